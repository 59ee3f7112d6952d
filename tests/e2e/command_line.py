"""What an operator types: --check, --version, --help, explain, wrong usage."""

import json
import os
import re
import subprocess
import tempfile

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
