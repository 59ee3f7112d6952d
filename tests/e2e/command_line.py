"""What an operator types: --check, --version, --help, explain, wrong usage."""

import grp
import json
import os
import re
import socket
import stat
import struct
import subprocess
import tempfile
import threading
import time

from calls import root_or_skip
from harness import ROOT, Skip, check, check_equal, scenario
from testbed import IPV4, balancer_config, program

# Each line of a good file and what it is spoilt into.
MISTAKES = (
    ('hugepages    = false', 'hugepages    = "perhaps"'),
    ('idle         = "adaptive"', 'idle         = "lazy"'),
    ('record_route = true', 'recordroute  = true'),
    ('pool         = "proxies"', 'pool         = "nobody"'),
    ('address = "10.78.0.12:5060"', 'address = "10.78.0.12:506000"'),
)


def run(name, *arguments):
    return subprocess.run([program(name), *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=60)


class ConfigFile:
    """A configuration in a directory of its own."""

    def __init__(self, spoil=()):
        self.directory = tempfile.TemporaryDirectory(prefix="vd-e2e-")
        self.path = os.path.join(self.directory.name, "viaduct.toml")
        self.socket = os.path.join(self.directory.name, "viaduct.sock")
        text = balancer_config(IPV4, self.directory.name)
        for good, bad in spoil:
            check(text.count(good) == 1, f"the configuration has no single line {good!r}")
            text = text.replace(good, bad)
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        with open(os.path.join(self.directory.name, "secret"), "w", encoding="utf-8") as file:
            file.write("00112233445566778899aabbccddeeff" * 2 + "\n")
        os.chmod(os.path.join(self.directory.name, "secret"), 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.directory.cleanup()


class MadeUpBalancer:
    """A control socket that answers every line alike and closes; without an answer it hears and is silent. An answer in
    pieces is heard in these pieces."""

    def __init__(self, path, answer):
        self.lines, self.answer, self.held = [], answer, []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.lines += client.recv(65536).decode().splitlines()
            if self.answer is None:
                self.held.append(client)
                continue
            for piece in [self.answer] if isinstance(self.answer, bytes) else self.answer:
                client.sendall(piece)
                time.sleep(0.3 if piece is not self.answer else 0)
            client.close()

    def close(self):
        self.listener.close()


def ctl_with(answer, *arguments, **options):
    """viaductctl asks one: how it ended, and the lines that were asked."""
    with tempfile.TemporaryDirectory(prefix="vd-e2e-") as directory:
        path = os.path.join(directory, "viaduct.sock")
        balancer = MadeUpBalancer(path, answer)
        done = subprocess.run([program("viaductctl"), "--socket", path, *arguments], stdin=subprocess.DEVNULL, text=True,
                              stderr=subprocess.PIPE, timeout=60, **{"stdout": subprocess.PIPE, **options})
        balancer.close()
        return done, balancer.lines


@scenario
def wrong_usage_never_reaches_the_balancer():
    for arguments in (("ban", "add"), ("ban", "add", "1.2.3.4"), ("ban", "del"), ("ban", "del", "1.2.3.4", "60s"),
                      ("log", "level"), ("log", "reopen", "debug"), ("events", "--since", "abc"), ("events", "--since", "-1"),
                      ("backend", "weight", "proxies/p1", "abc"), ("backend", "weight", "proxies/p1", "1001"),
                      ("stat", "--csv", "--table", "nope"), ("explain", "--live", "--from", "foo", "/dev/null"),
                      ("capture", "-o", "-", "--seconds", "-5"), ("capture", "-o", "-", "--seconds", "nan"),
                      ("capture", "-o", "-", "--count", "-1"), ("trace", "id", "--seconds", "inf"), ("top", "-n", "-1"),
                      ("top", "-d", "nan"), ("trace", 'x"\nbackend drain proxies/p1\n'), ("deviations", "--peer", "a\rb")):
        done, lines = ctl_with(b"fine\n\n", *arguments)
        check_equal((done.returncode, lines), (2, []), f"exit code of {arguments} and what was asked ({done.stderr!r})")
        check(done.stderr, f"{arguments}: nothing is said")


@scenario
def what_cannot_be_written_is_no_success():
    with ConfigFile() as config, open("/dev/full", "w", encoding="utf-8") as full:
        for arguments in (("stat",), ("events", "--follow"), ("check", config.path), ("--help",),
                          ("explain", "--config", config.path, config.path)):
            done, _ = ctl_with(b"fine\n\n", *arguments, stdout=full)
            check_equal(done.returncode, 1, f"exit code of {arguments} into a full device")
            check("No space left" in done.stderr, f"{arguments}: {done.stderr!r}")


@scenario
def events_that_end_with_the_balancer_are_no_success():
    done, lines = ctl_with(b"1  an event\n", "events", "--follow")
    check_equal((done.returncode, done.stdout, lines), (1, "1  an event\n", ["events follow"]), "exit code and events")
    check("tells no more" in done.stderr, f"it says {done.stderr!r}")


# A section and an interface, as a capture begins.
PCAPNG_HEAD = (struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28) +
               struct.pack("<IIHHII", 1, 20, 1, 0, 0, 20))


@scenario
def a_capture_that_does_not_begin_leaves_the_file_alone():
    with tempfile.TemporaryDirectory(prefix="vd-e2e-") as directory:
        path = os.path.join(directory, "evidence.pcapng")
        with open(path, "w", encoding="utf-8") as file:
            file.write("evidence")
        os.chmod(path, 0o644)
        for answer, wanted in ((b"error: 'metod' is no field\n\n", "is no field"), (None, "did not answer")):
            done, _ = ctl_with(answer, "capture", "-o", path, "--seconds", "0.5")
            check_equal(done.returncode, 1, f"exit code ({done.stderr!r})")
            check(wanted in done.stderr, f"it says {done.stderr!r}, not {wanted!r}")
            with open(path, encoding="utf-8") as file:
                check_equal(file.read(), "evidence", "the file")
        done, _ = ctl_with(None, "trace", "id", "--seconds", "0.5")
        check_equal(done.returncode, 1, f"exit code of trace ({done.stderr!r})")
        ctl_with(PCAPNG_HEAD, "capture", "-o", path, "--seconds", "0.5")
        with open(path, "rb") as file:
            check_equal(file.read(), PCAPNG_HEAD, "the file, once the capture has begun")
        check_equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "whose the file is")


@scenario
def no_message_passes_for_the_balancers_refusal():
    body = b"error: " * 150
    frame = b"\0" * 42 + b"MESSAGE sip:a@example.com SIP/2.0\r\n\r\n" + body
    frame += b"\0" * (-len(frame) % 4)
    size = 32 + len(frame)
    packet = struct.pack("<7I", 6, size, 0, 0, 0, len(frame), len(frame)) + frame + struct.pack("<I", size)
    cut = packet.index(body)
    with tempfile.TemporaryDirectory(prefix="vd-e2e-") as directory:
        path = os.path.join(directory, "calls.pcapng")
        done, _ = ctl_with((PCAPNG_HEAD + packet[:cut], packet[cut:], packet), "capture", "-o", path, "--count", "2")
        check_equal(done.returncode, 0, f"exit code of capture ({done.stderr!r})")
        with open(path, "rb") as file:
            check_equal(file.read(), PCAPNG_HEAD + 2 * packet, "the file")
    done, _ = ctl_with((b"1  an ", b"error: as an event has it\n"), "events", "--follow")
    check_equal(done.stdout, "1  an error: as an event has it\n", "events")


@scenario
def serve_started_before_the_balancer_gets_its_group():
    if os.geteuid() != 0:
        raise Skip("this needs root, which serve gives up")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="vd-e2e-") as directory:
        os.chmod(directory, 0o711)
        path = os.path.join(directory, "viaduct.sock")
        said = os.path.join(directory, "said")
        with open(said, "w", encoding="utf-8") as file:
            serve = subprocess.Popen([program("viaductctl"), "--socket", path, "serve", "--listen", address],
                                     stderr=file, stdin=subprocess.DEVNULL)

        def says(words):
            for _ in range(100):
                with open(said, encoding="utf-8") as file:
                    text = file.read()
                if words in text:
                    return text
                time.sleep(0.1)
            raise AssertionError(f"serve does not say {words!r} but {text!r}")

        try:
            says("waiting for it")
            group = grp.getgrnam("daemon").gr_gid
            balancer = MadeUpBalancer(path, b'{"command":"info"}\n\n')
            os.chown(path, 0, group)
            os.chmod(path, 0o660)
            text = says("serving on")
            check("nothing answers" not in text, f"it says {text!r}")
            with open(f"/proc/{serve.pid}/status", encoding="utf-8") as file:
                groups = next(line for line in file if line.startswith("Groups:")).split()[1:]
            check_equal(groups, [str(group)], "groups of serve")
            check_equal(balancer.lines, ["show info json"], "what it asked")
            balancer.close()
        finally:
            serve.terminate()
        check_equal(serve.wait(10), 0, "exit code of serve")


@scenario
def check_of_a_good_file_is_one_line():
    with ConfigFile() as config:
        done = run("viaduct", "--config", config.path, "--check")
        check_equal(done.returncode, 0, f"exit code ({done.stderr.strip()})")
        check_equal(len((done.stdout + done.stderr).strip().splitlines()), 1, f"lines of {done.stdout + done.stderr!r}")


def check_five_messages(done, config):
    check_equal(done.returncode, 1, "exit code")
    place = re.compile(re.escape(config.path) + r":(\d+):(\d+): (?:error: )?\S.*")
    lines = [line for line in done.stderr.splitlines() if place.match(line)]
    check_equal(len(lines), 5, f"messages with a place in:\n{done.stderr}")
    with open(config.path, encoding="utf-8") as file:
        text = file.read().splitlines()
    for _, bad in MISTAKES:
        number = next(n for n, line in enumerate(text, 1) if bad in line)
        check(any(line.startswith(f"{config.path}:{number}:") for line in lines), f"no message for line {number}: {bad}")
    check(not os.path.exists(config.socket), "the control socket is there: something was started")


@scenario
def check_of_five_mistakes_names_each_place():
    with ConfigFile(MISTAKES) as config:
        check_five_messages(run("viaduct", "--config", config.path, "--check"), config)


@scenario
def start_with_five_mistakes_starts_nothing():
    with ConfigFile(MISTAKES) as config:
        check_five_messages(run("viaduct", "--config", config.path), config)


@scenario
def viaductctl_checks_like_viaduct():
    with ConfigFile() as config:
        check_equal(run("viaductctl", "check", config.path).returncode, 0, "exit code for a good file")
    with ConfigFile(MISTAKES) as config:
        check_five_messages(run("viaductctl", "check", config.path), config)


@scenario
def help_version_and_wrong_usage():
    for name in ("viaduct", "viaductctl"):
        done = run(name, "--help")
        check_equal(done.returncode, 0, f"exit code of {name} --help")
        check(len(done.stdout.splitlines()) >= 8, f"{name} --help says too little:\n{done.stdout}")
        check_equal(run(name, "--no-such-option").returncode, 2, f"exit code of {name} --no-such-option")
    done = run("viaduct", "--version")
    check_equal(done.returncode, 0, "exit code of --version")
    check(re.search(r"\b\d+\.\d+\.\d+\b", done.stdout), f"no version in {done.stdout!r}")
    done = run("viaduct", "--config", "/nonexistent/viaduct.toml")
    check_equal(done.returncode, 1, "exit code for a file that is not there")
    check("/nonexistent/viaduct.toml" in done.stderr, f"the message does not name the file: {done.stderr!r}")
    done = run("viaductctl", "--socket", "/nonexistent/viaduct.sock", "stat")
    check_equal(done.returncode, 1, "exit code without a balancer")
    check("/nonexistent/viaduct.sock" in done.stderr, f"the message does not name the socket: {done.stderr!r}")


def explain(*arguments):
    done = run("viaductctl", "explain", *arguments)
    check(done.returncode == 0, f"explain ended with {done.returncode}: {done.stderr[-1000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


@scenario
def explain_tells_what_becomes_of_a_message():
    invite = ("INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK1\r\n"
              "Max-Forwards: 70\r\nTo: <sip:bob@example.com>\r\nFrom: <sip:a@example.com>;tag=1\r\nCall-ID: explain-1\r\n"
              "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
    spent = invite.replace("Max-Forwards: 70", "Max-Forwards: 0")
    with ConfigFile() as config:
        paths = []
        for name, text in (("invite", invite), ("spent", spent), ("junk", "hello\r\n\r\n")):
            paths.append(os.path.join(config.directory.name, f"{name}.sip"))
            with open(paths[-1], "w", encoding="utf-8", newline="") as file:
                file.write(text)
        forward, reply, drop = explain("--config", config.path, *paths)
        check_equal(forward["verdict"], "forward", "verdict of the INVITE")
        check(forward["backend"] in IPV4.backends, f"backend {forward['backend']!r}")
        check_equal(forward["to"], f"{IPV4.backends[forward['backend']]}:5060", "where it goes")
        check_equal(forward["call_id"], "explain-1", "call_id")
        check(forward["message"].startswith("INVITE sip:bob@example.com SIP/2.0"), "the message as it leaves")
        check_equal((reply["verdict"], reply["status"]), ("reply", 483), "verdict of Max-Forwards 0")
        check_equal(drop["verdict"], "drop", "verdict of junk")
        check(drop["reason"], "junk is dropped without a reason")
        check_equal(explain("--config", config.path, paths[0])[0], forward, "the same message again")
        with open(config.path, encoding="utf-8") as file:
            text = file.read()
        named = re.search(r'\[\[pool\]\]\nname *= "([^"]*)"', text)
        text = text.replace(named.group(0), named.group(0) + '\nbackup = "spare"')
        text = re.sub(r"(\[\[pool\.backend\]\]\n)", r'\1state = "down"\n', text)
        text += '\n[[pool]]\nname = "spare"\n[[pool.backend]]\nname = "s1"\naddress = "10.78.0.77"\n'
        with open(config.path, "w", encoding="utf-8") as file:
            file.write(text)
        check_equal(explain("--config", config.path, paths[0])[0]["backend"], "s1", "backend of the pool's backup")


@scenario
def explain_survives_the_torture_messages():
    """One JSON object a file, never a crash; the messages are read from beside the project where they are."""
    shared = os.environ.get("VIADUCT_SHARED", os.path.join(ROOT, "..", "shared"))
    corpus = os.path.join(shared, "corpus")
    if not os.path.isdir(corpus):
        raise Skip("no torture messages: set VIADUCT_SHARED to the directory that has corpus/rfc4475")
    for folder in ("rfc4475", "rfc5118"):
        files = sorted(os.path.join(corpus, folder, name) for name in os.listdir(os.path.join(corpus, folder)))
        answers = explain("--config", os.path.join(corpus, "viaduct.toml"), *files)
        check_equal(len(answers), len(files), f"answers for {folder}")
        for file, answer in zip(files, answers):
            check(answer["verdict"] in ("forward", "reply", "absorb", "drop"), f"{file}: verdict {answer['verdict']!r}")


@scenario
def explain_and_kamailio_differ_where_it_is_known():
    """What the rule book's comparison says of the two (docs/conformance.md) is still so."""
    root_or_skip()
    done = subprocess.run([os.path.join(ROOT, "scripts", "differential"), "--viaductctl", program("viaductctl")],
                          capture_output=True, text=True, timeout=200)
    changes = [line for line in done.stdout.splitlines() if "judged" in line]
    check_equal(done.returncode, 0, f"exit code; {changes} {done.stderr}")
    check_equal(len(changes), 1, f"lines about judgements: {changes}")
