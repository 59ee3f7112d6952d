"""Three hosts and a balancer: the network that the demo and the end-to-end tests share.

    client                 balancer                  backends
    10.77.0.2  --edge0--   10.77.0.1 | 10.78.0.1  --core0--  10.78.0.11 .12 .13
    fd77::2                fd77::1   | fd78::1               fd78::11   ::12 ::13
"""

import json
import os
import socket
import subprocess

from netlab import LabError, Layout, wait_until
from sip_hosts import Callee, Caller, endpoint

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Addresses:
    def __init__(self, ipv6):
        self.version = 6 if ipv6 else 4
        self.client = "fd77::2" if ipv6 else "10.77.0.2"
        self.outside = "fd77::1" if ipv6 else "10.77.0.1"
        self.inside = "fd78::1" if ipv6 else "10.78.0.1"
        self.backends = {f"p{n}": f"fd78::1{n}" if ipv6 else f"10.78.0.1{n}" for n in (1, 2, 3)}


IPV4 = Addresses(False)
IPV6 = Addresses(True)


def build_directory():
    return os.environ.get("VIADUCT_BUILD", os.path.join(ROOT, "build"))


def built(*place):
    """A program, by where it is in the build directory."""
    path = os.path.join(build_directory(), *place)
    if not os.access(path, os.X_OK):
        raise LabError(f"{path} is not built; run scripts/build first")
    return path


def program(name):
    return built("src", name, name)


def default_cores():
    """(control core, workers) on this machine: the second usable CPU forwards, the first does the rest."""
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[0], [cpus[min(1, len(cpus) - 1)]]


def toml_list(values):
    return "[" + ", ".join(str(value) if isinstance(value, int) else f'"{value}"' for value in values) + "]"


def balancer_config(addresses, directory, workers=None, affinity="transaction", key="call-id", record_route=True,
                    backends=None):
    """The configuration file of the three-host network, as text."""
    control_core, default_workers = default_cores()
    text = f"""\
# Three hosts in network namespaces; af_packet ports; no hugepages.
[runtime]
workers      = {toml_list(workers or default_workers)}
control_core = {control_core}
hugepages    = false
memory_mb    = 256
idle         = "adaptive"
affinity     = "{affinity}"
secret_file  = "{directory}/secret"

[control]
socket     = "{directory}/viaduct.sock"
state_file = "{directory}/state.json"

[[port]]
name   = "edge"
device = "af_packet:edge0"

[[port]]
name   = "core"
device = "af_packet:core0"

[[listener]]
name         = "public"
address      = ["{endpoint(addresses.outside)}"]
pool         = "proxies"
record_route = {str(record_route).lower()}

[[listener]]
name    = "inside"
address = ["{endpoint(addresses.inside)}"]
side    = "inside"

[[pool]]
name = "proxies"
key  = "{key}"
"""
    for name, address in (backends or addresses.backends).items():
        text += f'\n[[pool.backend]]\nname    = "{name}"\naddress = "{endpoint(address)}"\n'
    return text


class Balancer:
    """`viaduct` on one host, and what `viaductctl` says about it."""

    def __init__(self, host, config_text, name="viaduct", socket="viaduct.sock", launcher=(), secret_owner=None):
        """`launcher`: a command that starts it with less than root has; `secret_owner`: whose the secret file is."""
        lab = host.lab
        self.host = host
        self.config_path = lab.path(f"{name}.toml")
        self.socket_path = lab.path(socket)
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config_text)
        # Fixed, so that a run can be repeated to the byte; a lab's secret protects nobody.
        with open(lab.path("secret"), "w", encoding="utf-8") as file:
            file.write("00112233445566778899aabbccddeeff" * 2 + "\n")
        os.chmod(lab.path("secret"), 0o600)
        if secret_owner is not None:
            os.chown(lab.path("secret"), secret_owner, -1)
        self.process = host.start(name, *launcher, *self.command(self.config_path))

        def ready():
            if not self.process.running():
                raise LabError(f"viaduct did not start, exit code {self.process.returncode()}:\n{self.process.output()}")
            return os.path.exists(self.socket_path) and self.try_show("info") is not None

        wait_until(ready, 30, "viaduct answering on its control socket", interval=0.1)
        lab.witnesses.append(self.state)

    @staticmethod
    def command(config_path):
        return program("viaduct"), "--config", config_path

    def ctl(self, *arguments):
        """Runs `viaductctl` against this balancer."""
        return subprocess.run([program("viaductctl"), "--socket", self.socket_path, *arguments], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=15)

    def try_show(self, what):
        done = self.ctl(what, "--json")
        try:
            return json.loads(done.stdout) if done.returncode == 0 else None
        except json.JSONDecodeError:
            return None

    def show(self, what):
        """What `viaductctl WHAT --json` prints, decoded."""
        done = self.ctl(what, "--json")
        if done.returncode != 0:
            raise LabError(f"'viaductctl {what} --json' failed with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def state(self):
        """What helps to tell why a scenario failed."""
        if not self.process.running():
            return f"{self.process.name} ended:\n{self.process.output()[-2000:]}"
        views = [self.ctl(view).stdout for view in ("stat", "drops", "backends", "neighbors", "events")]
        return "\n".join(text[-2000:].strip() for text in views)

    def events_of(self, subject):
        """What events say of it, the oldest first."""
        return [row["what"] for row in self.show("events")["events"] if row["subject"] == subject]

    def knows_neighbor(self, address):
        return any(row["address"] == address for row in self.show("neighbors")["neighbors"])

    def stop(self, patience=10):
        """SIGTERM; the exit code."""
        return self.process.stop(patience)


class Testbed(Layout):
    """The lab of the picture above; a context manager."""

    def build(self):
        lab = self.lab
        self.client = lab.add_host("client")
        self.balancer_host = lab.add_host("balancer")
        self.backend_host = lab.add_host("backends")
        lab.connect(self.client, "edge0", self.balancer_host, "edge0")
        lab.connect(self.balancer_host, "core0", self.backend_host, "core0")
        for addresses, bits in ((IPV4, 24), (IPV6, 64)):
            self.client.add_address("edge0", f"{addresses.client}/{bits}")
            self.balancer_host.add_address("edge0", f"{addresses.outside}/{bits}")
            self.balancer_host.add_address("core0", f"{addresses.inside}/{bits}")
            for address in addresses.backends.values():
                self.backend_host.add_address("core0", f"{address}/{bits}")

    def settle(self, addresses):
        """The kernel asks for IPv6 neighbours from its link-local address, which takes a second to become usable."""
        def settled():
            return not any(host.configure("-6", "address", "show", "tentative").strip() for host in self.lab.hosts)

        if addresses.version == 6:
            wait_until(settled, 10, "IPv6 link-local addresses")

    def start_balancer(self, addresses=IPV4, **options):
        self.settle(addresses)
        return Balancer(self.balancer_host, balancer_config(addresses, self.lab.directory, **options))

    def introduce_client(self, balancer, addresses=IPV4):
        """Waits until the balancer knows the client's link address. Else the first answers to it may have to wait for
        that, and copies of them are without it."""
        def known():
            with self.client.socket(socket.AF_INET if addresses.version == 4 else socket.AF_INET6,
                                    socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", (addresses.outside, 9))
            return balancer.knows_neighbor(addresses.client)

        wait_until(known, 10, "the client's link address")

    def start_callees(self, addresses=IPV4, scenario="uas"):
        """A SIPp server on every backend; by backend name."""
        return {name: Callee(self.backend_host, name, address, scenario)
                for name, address in addresses.backends.items()}

    def start_caller(self, addresses=IPV4, name="caller", target=None, **options):
        return Caller(self.client, name, addresses.client, target or endpoint(addresses.outside), **options)
