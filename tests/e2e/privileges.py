"""What a process that has given up its rights may still do, as the kernel says."""

import glob
import os

from harness import check_equal


def thread_status(process):
    """One dictionary a thread, from /proc/PID/task/TID/status; by thread id."""
    threads = {}
    for path in glob.glob(f"/proc/{process.pid}/task/*/status"):
        with open(path, encoding="ascii", errors="replace") as file:
            fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        threads[int(path.split("/")[4])] = fields
    return threads


def check_shed(process, user, kept=0, seccomp="0"):
    """What is promised of every thread, and of the process's memory. `kept`: the first thread's capabilities."""
    for thread, fields in thread_status(process).items():
        what = f"of thread {fields['Name']}"
        for name in ("CapEff", "CapPrm"):
            check_equal(int(fields[name], 16), kept if thread == process.pid else 0, f"{name} {what}")
        for name in ("CapInh", "CapBnd", "CapAmb"):
            check_equal(int(fields[name], 16), 0, f"{name} {what}")
        check_equal(fields["Uid"].split(), [str(user)] * 4, f"users {what}")
        check_equal(fields["NoNewPrivs"], "1", f"NoNewPrivs {what}")
        check_equal(fields["Seccomp"], seccomp, f"Seccomp {what}")
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as file:
        core = next(line.split() for line in file if line.startswith("Max core file size"))
    check_equal(core[4:6], ["0", "0"], "the limits of a core file")
    # What may not be dumped belongs to root, whoever runs it.
    check_equal(os.stat(f"/proc/{process.pid}/environ").st_uid, 0, "the owner of its files in /proc")
