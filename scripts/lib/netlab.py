"""Hosts made of network namespaces, and the processes that run on them.

A Lab owns everything it makes: namespaces, processes, one temporary directory. Leaving its `with` block takes all of it
away again, on success, on an exception, and on SIGINT, SIGTERM and SIGHUP, which it makes exceptions of. Only what the
Lab started itself is ever stopped, by process id.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from signals import end_by_exception

NETNS_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000


class LabError(Exception):
    """Something the lab needs did not work; the message says what and what to do."""


def require_root():
    if os.geteuid() != 0:
        raise LabError("network namespaces need root; run it as root or with sudo")
    for tool in ("ip", "sipp"):
        if shutil.which(tool) is None:
            raise LabError(f"'{tool}' is not here; run scripts/setup first")


def ip(*arguments):
    """Runs iproute2 and returns what it printed."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise LabError(f"'ip {' '.join(arguments)}' failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def namespace_pids(name):
    done = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)
    return [int(word) for word in done.stdout.split()]


def remove_namespace(name):
    """Stops what still runs inside, then removes it."""
    for kind, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
        pids = namespace_pids(name)
        for pid in pids:
            try:
                os.kill(pid, kind)
            except ProcessLookupError:
                pass
        end = time.monotonic() + patience
        while pids and time.monotonic() < end and namespace_pids(name):
            time.sleep(0.05)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)


class Process:
    """One program on one host; what it prints goes to a file."""

    def __init__(self, name, popen, output_path):
        self.name = name
        self.popen = popen
        self.output_path = output_path
        self.started = time.clock_gettime(time.CLOCK_BOOTTIME)  # as the kernel's log counts

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def returncode(self):
        return self.popen.poll()

    def wait(self, timeout):
        """The exit code, or None if it still runs after `timeout` seconds."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def signal(self, number):
        if self.running():
            self.popen.send_signal(number)

    def stop(self, patience=5.0):
        """SIGTERM, and SIGKILL if that did not do; returns the exit code (negative: the signal that ended it)."""
        self.signal(signal.SIGTERM)
        if self.wait(patience) is None:
            self.signal(signal.SIGKILL)
            self.wait(patience)
        return self.returncode()

    def resident_bytes(self):
        """Its memory."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def output(self):
        try:
            with open(self.output_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


class Host:
    """A network namespace with a name of its own."""

    def __init__(self, lab, role):
        self.lab = lab
        self.role = role
        self.namespace = f"{lab.prefix}-{role}"

    def configure(self, *arguments):
        return ip("-n", self.namespace, *arguments)

    def add_address(self, interface, address):
        """`address` with its prefix length; duplicate address detection is left out, so that it can be used at once."""
        options = ["nodad"] if ":" in address else []
        self.configure("address", "add", address, "dev", interface, *options)

    def link_address(self, interface):
        return self.run("cat", f"/sys/class/net/{interface}/address").stdout.strip()

    def command(self, *arguments):
        """The command line that runs `arguments` on this host (the process keeps its id: nothing forks)."""
        return ["ip", "netns", "exec", self.namespace, *map(str, arguments)]

    def run(self, *arguments, timeout=30):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=timeout, cwd=self.lab.directory)

    def start(self, name, *arguments, env=None):
        return self.lab.start(name, self.command(*arguments), env=env)

    def socket(self, family, kind):
        """A socket on this host, usable from here: a socket stays in the namespace it was made in."""
        libc = ctypes.CDLL(None, use_errno=True)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"{NETNS_DIR}/{self.namespace}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET) != 0:
                raise LabError(f"cannot enter {self.namespace}: {os.strerror(ctypes.get_errno())}")
            try:
                return socket.socket(family, kind)
            finally:
                if libc.setns(here, CLONE_NEWNET) != 0:
                    raise LabError(f"cannot leave {self.namespace}: {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(here)
            os.close(there)


class Lab:
    """Hosts, links between them, and processes on them; a context manager, of the main thread."""

    made = 0  # labs of this process so far, so that each has names of its own

    def __init__(self, prefix="vd"):
        Lab.made += 1
        serial = "" if Lab.made == 1 else f".{Lab.made}"
        self.prefix = f"{prefix}-{os.getpid()}{serial}"
        self.directory = None
        self.hosts = []
        self.processes = []
        self.witnesses = []  # functions whose text goes with a failure

    def __enter__(self):
        require_root()
        end_by_exception()
        self.directory = tempfile.mkdtemp(prefix=f"{self.prefix}-")
        return self

    def __exit__(self, _kind, error, _trace):
        try:
            if isinstance(error, (AssertionError, LabError)):
                for witness in self.witnesses:
                    error.add_note(witness())
        finally:
            self.close()

    def close(self):
        """Takes everything away; safe to call twice. A second signal must not leave half of it standing."""
        handlers = {number: signal.signal(number, signal.SIG_IGN)
                    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            for process in reversed(self.processes):
                process.signal(signal.SIGTERM)
            for process in reversed(self.processes):
                process.stop()
            self.processes.clear()
            for host in reversed(self.hosts):
                remove_namespace(host.namespace)
            self.hosts.clear()
            if self.directory:
                shutil.rmtree(self.directory, ignore_errors=True)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def path(self, name):
        return os.path.join(self.directory, name)

    def add_host(self, role):
        host = Host(self, role)
        self.hosts.append(host)  # first: a signal may come once the namespace is there
        try:
            ip("netns", "add", host.namespace)
        except LabError as error:
            raise LabError(f"{error}; network namespaces must be allowed here (a container needs CAP_SYS_ADMIN)")
        host.configure("link", "set", "lo", "up")
        return host

    def connect(self, host_a, interface_a, host_b, interface_b):
        """A cable: a veth pair, as the kernel makes it (offloads and all)."""
        ip("link", "add", "name", interface_a, "netns", host_a.namespace, "type", "veth",
           "peer", "name", interface_b, "netns", host_b.namespace)
        host_a.configure("link", "set", interface_a, "up")
        host_b.configure("link", "set", interface_b, "up")

    def start(self, name, arguments, env=None):
        """Starts a program in a session of its own, so that Ctrl-C reaches this process alone."""
        output_path = self.path(f"{name}.out")
        with open(output_path, "wb") as output:
            popen = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                     cwd=self.directory, env=env, start_new_session=True)
        process = Process(name, popen, output_path)
        self.processes.append(process)
        return process


class Layout:
    """A lab with what `build` puts into it, which is taken away even if that fails; a context manager."""

    def __init__(self, prefix="vd"):
        self.lab = Lab(prefix)

    def __enter__(self):
        self.lab.__enter__()
        try:
            self.build()
        except BaseException:
            self.lab.close()
            raise
        return self

    def __exit__(self, *error):
        self.lab.__exit__(*error)


def wait_until(condition, timeout, what, interval=0.05):
    """Polls until `condition()` is true and returns its value; a LabError names `what` was waited for in vain."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise LabError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)
