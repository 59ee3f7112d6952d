"""The journal of a real journald, which runs in a mount namespace of its own with an empty /run.

This file is also the program that runs in there: it starts journald and viaduct, with stderr as systemd would connect it,
gives one order, stops viaduct, and writes what `journalctl` finds, a JSON array a query.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

JOURNALD = "/lib/systemd/systemd-journald"
RUN = "/run/systemd/journal"
# It is to hear its sockets alone: not the kernel's log, and no audit.
SETTINGS = "[Journal]\nStorage=volatile\nAudit=no\nReadKMsg=no\n"
QUERIES = (("VIADUCT_KIND=operator",), ("VIADUCT_SUBJECT=proxies/p1",), ("-t", "viaduct", "-p", "warning"), ("-t", "viaduct"))


def wait_for(path):
    for _ in range(200):
        if os.path.exists(path):
            return
        time.sleep(0.05)
    raise SystemExit(f"{path} did not appear")


def stream_to_journal():
    """What sd_journal_stream_fd(3) makes: identifier, unit, priority, whether lines have one, and three more switches."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(f"{RUN}/stdout")
    stream.send(b"viaduct\n\n6\n1\n0\n0\n0\n")
    return stream


def room(viaduct, viaductctl, config, control):
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    for path in (RUN, "/run/log/journal", "/run/systemd/journald.conf.d"):
        os.makedirs(path)
    with open("/run/systemd/journald.conf.d/room.conf", "w", encoding="utf-8") as file:
        file.write(SETTINGS)
    journald = subprocess.Popen([JOURNALD], stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{RUN}/socket")
        wait_for(f"{RUN}/stdout")
        with stream_to_journal() as stream:
            found = os.fstat(stream.fileno())
            environment = os.environ | {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
            balancer = subprocess.Popen([viaduct, "--config", config], stderr=stream, env=environment)
        try:
            wait_for(control)
            subprocess.run([viaductctl, "--socket", control, "backend", "drain", "proxies/p1"], check=True,
                           stdout=subprocess.DEVNULL, timeout=20)
        finally:
            balancer.terminate()
            balancer.wait(20)
        for query in QUERIES:
            done = subprocess.run(["journalctl", "-D", "/run/log/journal", "--no-pager", "-o", "json", *query], check=True,
                                  capture_output=True, text=True, timeout=20)
            print(json.dumps([json.loads(line) for line in done.stdout.splitlines()]))
    finally:
        journald.terminate()
        journald.wait(20)


if __name__ == "__main__":
    room(*sys.argv[1:])
    sys.exit(0)

from harness import Skip, check, check_equal, scenario  # noqa: E402
from testbed import program  # noqa: E402

# No secret_file, so that there is a warning.
CONFIG = """
[runtime]
workers = [1]
control_core = 0
hugepages = false
memory_mb = 256
idle = "adaptive"
[control]
socket = "{0}/viaduct.sock"
state_file = "{0}/state.json"
[[port]]
name = "edge"
device = "pcap:/dev/null,{0}/out.pcap"
addresses = ["203.0.113.10/24"]
[[listener]]
name = "public"
address = ["203.0.113.10:5060"]
pool = "proxies"
[[pool]]
name = "proxies"
[[pool.backend]]
name = "p1"
address = "203.0.113.11:5060"
[[pool.backend]]
name = "p2"
address = "203.0.113.12:5060"
"""


@scenario
def a_real_journald_gets_events_as_fields():
    if not os.path.exists(JOURNALD) or shutil.which("journalctl") is None:
        raise Skip("journald is not here")
    with tempfile.TemporaryDirectory(prefix="vd-e2e-") as directory:
        config = os.path.join(directory, "viaduct.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(directory))
        done = subprocess.run(["unshare", "--mount", sys.executable, __file__, program("viaduct"), program("viaductctl"), config,
                               os.path.join(directory, "viaduct.sock")], capture_output=True, text=True, timeout=120, check=False)
        check_equal(done.returncode, 0, f"exit code ({done.stderr[-1000:]})")
        by_kind, by_subject, warnings, everything = [json.loads(line) for line in done.stdout.splitlines()]
    check_equal(len(by_kind), 1, "lines of kind operator")
    check_equal(by_subject, by_kind, "lines about the backend")
    check("proxies/p1: state up -> drain" in by_kind[0]["MESSAGE"], f"the event's line: {by_kind[0]}")
    check_equal((by_kind[0]["_COMM"], by_kind[0]["PRIORITY"]), ("viaduct", "6"), "who said it, and how urgently")
    texts = [line["MESSAGE"] for line in everything]
    for word in ("is ready", "ledger:"):
        check(any(word in text for text in texts), f"no line with {word!r} in {texts}")
    check_equal(sum("up -> drain" in text for text in texts), 1, "lines about the drain")
    check(0 < len(warnings) < len(everything), f"{len(warnings)} warnings of {len(everything)} lines")
