"""The decision is a function of the message, where it came from and the View: a stateless proxy's choice may rely on
"fields in the message and time-invariant properties of the server" alone (RFC 3261 section 16.11). So nothing in it
reads a clock, draws a number, asks which core or thread it runs on, or remembers.

Rules that hold because of it: FWD-08, FWD-09, TGT-03, TXN-03, LBG-16, LBG-17.
"""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = ("sip", "steer", "proxy")
ELSEWHERE = ("lib/core/kernel_list.h",)  # where these rooms' SIMD kernels are chosen
# What would make two equal messages differ.
BANNED = {
    "a clock": r"\bnow\(|\bclock\w*\(|\btime\(|rdtsc|gettimeofday|_clock\b",
    "a random number": r"\brand\w*\(|random_device|mt19937|getrandom|rdrand",
    "the core, thread or process": r"sched_getcpu|this_thread|get_id\(|pthread_self|getpid|gettid|rte_lcore",
    "the environment": r"getenv|gethostname|if_nametoindex",
    "a memory of its own": r"thread_local|\bmutable\b|^\s*static\s+(?!_)(?!const|inline|void|bool|auto|[\w:<>]+\s+\w+\()"
                           r"[\w:<>,\s]+\s\w+\s*(=|\{|;)",
}
# That choice is made once for the process, and all kernels read alike (tests/sip holds them against each other).
ALLOWED = {("lib/core/kernel_list.h", "the environment")}


def code_of(line):
    return re.sub(r'"(?:[^"\\]|\\.)*"|//.*', "", line)


def findings(path, text):
    """(file, what, sentence) of each."""
    name = path.relative_to(ROOT).as_posix()
    for number, line in enumerate(text.splitlines(), 1):
        for what, pattern in BANNED.items():
            if re.search(pattern, code_of(line)):
                yield name, what, f"{name}:{number}: {what}: {line.strip()}"


class Purity(unittest.TestCase):
    def test_the_decision_reads_nothing_but_its_arguments(self):
        found = []
        paths = [ROOT / name for name in ELSEWHERE]
        for room in ROOMS:
            of_room = sorted(path for path in (ROOT / "lib" / room).iterdir() if path.suffix in (".h", ".cc"))
            self.assertGreater(len(of_room), 5)
            paths += of_room
        for path in paths:
            found += findings(path, path.read_text(encoding="utf-8"))
        self.assertEqual([sentence for name, what, sentence in found if (name, what) not in ALLOWED], [])
        self.assertEqual({(name, what) for name, what, _ in found}, ALLOWED, "exceptions that nobody needs")

    def test_what_is_banned_is_found(self):
        path = ROOT / "lib/proxy/x.cc"
        for line in ("auto t = std::chrono::steady_clock::now();", "static int calls = 0;", "thread_local Buffer buffer;",
                     "std::mt19937 dice;", "int core = sched_getcpu();", "static std::map<int, int> seen;", "x = time(nullptr);"):
            self.assertEqual(len(list(findings(path, line))) > 0, True, line)
        for line in ("static constexpr int size = 3;", "static const Table table;", "// now() is not read here",
                     "static bool is_own(int x) {", "  static void write(uint16_t* places);"):
            self.assertEqual(list(findings(path, line)), [], line)


if __name__ == "__main__":
    unittest.main()
