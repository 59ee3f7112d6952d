"""viablast as caller and callee, and the systems that end-to-end tests and benchmarks put between the two.

Over memif no kernel takes part, and nobody resolves neighbours, so link addresses are known beforehand:

    viablast port "uac"  --a.sock--  "edge"  viaduct  "core"  --b.sock--  viablast port "uas"
"""

import atexit
import json
import os
import shutil
import subprocess

from netlab import LabError
from sip_hosts import endpoint
from testbed import IPV4, default_cores, program, toml_list

IDLE = ("--idle", "adaptive")


def stable_mac(port_name):
    """The link address that a memif port of this name has (lib/dpdk/device.cc)."""
    value = 0xcbf29ce484222325
    for character in port_name.encode():
        value = (value ^ character) * 0x100000001b3 % 2 ** 64
    return "02:" + ":".join(f"{value >> shift & 0xff:02x}" for shift in (0, 8, 16, 24, 32))


class Blast:
    """One viablast process; its figures when it has ended."""

    def __init__(self, host, name, *arguments):
        self.process = host.start(name, program("viablast"), "--json", *arguments)

    def finish(self, patience=60):
        """(exit code, figures)."""
        code = self.process.wait(patience)
        if code is None:
            self.process.stop()
            raise LabError(f"viablast does not end:\n{self.process.output()[-2000:]}")
        lines = self.process.output().splitlines()
        if not lines or not lines[-1].startswith("{"):
            raise LabError(f"viablast ended with {code} and no figures:\n{self.process.output()[-2000:]}")
        return code, json.loads(lines[-1])

    def stop(self):
        """Ends a reflector; its figures."""
        self.process.stop()
        return self.finish()[1]


URGENT = -19


def set_autogroup(pid, nice):
    """Each session is a scheduling group of its own, so `nice` is not enough. What it was."""
    path = f"/proc/{pid}/autogroup"
    if not os.path.exists(path):
        return 0
    with open(path, "r+", encoding="ascii") as file:
        before = int(file.read().split()[-1])
        file.write(str(nice))
    return before


def urge(process):
    """Before everything else on the machine."""
    set_autogroup(process.pid, URGENT)


def urge_this_session():
    """The same for this program, and for whatever its session runs besides, until it ends."""
    atexit.register(set_autogroup, os.getpid(), set_autogroup(os.getpid(), URGENT))


def memif(lab, name, role, ring=None):
    return f"memif:{lab.path(name)}?role={role}" + (f"&ring={ring}" if ring else "")


def memif_balancer_config(lab, addresses=IPV4, workers=None, idle="adaptive", role="server"):
    """viaduct between two memif sockets, of which it is the server unless told otherwise; `workers`: its cores."""
    control_core, default_workers = default_cores()
    neighbors = ", ".join(f'{{ address = "{address}", mac = "{stable_mac("uas")}" }}'
                          for address in addresses.backends.values())
    gateway = "fd77::fffe" if addresses.version == 6 else "10.77.0.254"
    bits = 64 if addresses.version == 6 else 24
    key = "gateway6" if addresses.version == 6 else "gateway"
    text = f"""\
[runtime]
workers      = {toml_list(workers or default_workers)}
control_core = {control_core}
hugepages    = false
memory_mb    = 256
idle         = "{idle}"
secret_file  = "{lab.directory}/secret"

[control]
socket = "{lab.directory}/viaduct.sock"

[[port]]
name      = "edge"
device    = "{memif(lab, 'a.sock', role)}"
addresses = ["{addresses.outside}/{bits}"]
{key}   = "{gateway}"
neighbors = [{{ address = "{gateway}", mac = "{stable_mac("uac")}" }}]

[[port]]
name      = "core"
device    = "{memif(lab, 'b.sock', role)}"
addresses = ["{addresses.inside}/{bits}"]
neighbors = [{neighbors}]

[[listener]]
name         = "public"
address      = ["{endpoint(addresses.outside)}"]
pool         = "proxies"
record_route = true

[[listener]]
name    = "inside"
address = ["{endpoint(addresses.inside)}"]
side    = "inside"

[[pool]]
name = "proxies"
"""
    for name, address in addresses.backends.items():
        text += f'\n[[pool.backend]]\nname    = "{name}"\naddress = "{endpoint(address)}"\n'
    return text


def memif_arguments(lab, addresses=IPV4, sources=1000, ring=None, role="client"):
    """viablast at both ends of it; as the client it says how many frames a ring holds."""
    first = "fd11::1" if addresses.version == 6 else "10.11.0.1"
    return ["--uac-port", memif(lab, "a.sock", role, ring), "--uas-port", memif(lab, "b.sock", role, ring),
            "--gateway-mac", stable_mac("edge"), "--from", endpoint(first), "--sources", str(sources),
            "--to", endpoint(addresses.outside)]


KAMAILIO = """\
#!KAMAILIO
# A stateless balancer: a backend by Call-ID hash, forward().
debug=0
log_stderror=yes
fork=yes
children=CHILDREN
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
server_signature=no
sip_warning=0
mhomed=0
listen=udp:OUTSIDE:5060
listen=udp:INSIDE:5060

loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rr.so"
loadmodule "dispatcher.so"

modparam("dispatcher", "list_file", "DISPATCHER_LIST")

request_route {
	if (!mf_process_maxfwd_header("70")) {
		sl_send_reply("483", "Too Many Hops");
		exit;
	}
	if (has_totag()) {
		loose_route();
		$fs = "udp:INSIDE:5060";
		forward();
		exit;
	}
	if (is_method("INVITE")) {
		record_route();
	}
	if (!ds_select_dst("1", "0")) {
		sl_send_reply("503", "Service Unavailable");
		exit;
	}
	$fs = "udp:INSIDE:5060";
	forward();
}
"""


class Kamailio:
    """Kamailio as stateless balancer on the balancer's host of a Testbed, IPv4."""

    def __init__(self, bed, children=1, core=None):
        if shutil.which("kamailio") is None:
            raise LabError("kamailio is not installed; scripts/setup brings it")
        lab, addresses = bed.lab, IPV4
        targets = lab.path("dispatcher.list")
        with open(targets, "w", encoding="utf-8") as file:
            file.writelines(f"1 sip:{address}:5060\n" for address in addresses.backends.values())
        config = KAMAILIO.replace("DISPATCHER_LIST", targets).replace("OUTSIDE", addresses.outside)
        config = config.replace("INSIDE", addresses.inside).replace("CHILDREN", str(children))
        self.path = lab.path("kamailio.cfg")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(config)
        pin = ["taskset", "-c", str(core)] if core is not None else []
        # In the foreground (-DD), so that it ends with us; memory as for a busy host.
        self.process = bed.balancer_host.start("kamailio", *pin, "kamailio", "-DD", "-E", "-f", self.path, "-m", "256",
                                               "-M", "32", "-Y", lab.directory, "-P", lab.path("kamailio.pid"))

    def stop(self):
        self.process.stop()


def af_packet_arguments(sources=1):
    """Callers on a Testbed's client: they have that host's address alone, and many ports."""
    return ["--uac-port", "af_packet:edge0", "--from", endpoint(IPV4.client, 10000), "--source-ports", str(sources),
            "--to", endpoint(IPV4.outside)]


def start_reflector(bed, *arguments, core=None):
    cores = ["--core", str(core)] if core is not None else []
    return Blast(bed.backend_host, "reflector", "--uas-port", "af_packet:core0", *IDLE, *cores, *arguments)


def start_testpmd(lab, host, cores, devices, *arguments):
    """dpdk-testpmd moving frames between two virtual devices; `cores`: its control thread's, its worker's."""
    if shutil.which("dpdk-testpmd") is None:
        raise LabError("dpdk-testpmd is not here; scripts/setup brings it (package dpdk-dev)")
    command = ["dpdk-testpmd", "--lcores", f"0@{cores[0]},1@{cores[1]}", "--main-lcore", "0", "--no-huge", "-m", "256",
               "--no-pci", "--iova-mode", "va", "--no-telemetry", "--file-prefix", lab.prefix]
    for device in devices:
        command += ["--vdev", device]
    return host.start("testpmd", *command, "--", "--auto-start", "--nb-cores=1", "--burst=64", "--stats-period=1000",
                      *arguments)


def bench_cores():
    """(the generator's core, those for the device under test: one, or two where there are three)."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise LabError("two cores are needed, one for the generator and one for the device under test")
    return usable[0], usable[1:3]


class Stolen:
    """For how long the machine below has kept cores from us since this was made: a run during which that is much says
    little."""

    def __init__(self, *cores):
        self.cores = cores
        self.before = self._so_far()

    def _so_far(self):
        with open("/proc/stat", encoding="ascii") as file:
            fields = {line.split()[0]: line.split() for line in file}
        return [int(fields[f"cpu{core}"][8]) for core in self.cores]

    def ms(self):
        ticks = os.sysconf("SC_CLK_TCK")
        return [(now - before) * 1000 // ticks for now, before in zip(self._so_far(), self.before)]


def print_versions(about):
    """What `versions` says, for people."""
    machine = about["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores, kernel {machine['kernel']}; commit {about['commit']}; "
          f"{', '.join(f'{name} {text}' for name, text in about['versions'].items() if text)}")


def versions():
    """What a figure belongs to."""
    def first_line(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except OSError:
            return None
        text = (done.stdout or done.stderr).strip()
        return text.splitlines()[0] if text else None

    model = None
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    kamailio = first_line("kamailio", "-v") if shutil.which("kamailio") else None
    return {"machine": {"cpu": model, "cores": len(os.sched_getaffinity(0)), "kernel": os.uname().release},
            "commit": first_line("git", "-C", root, "describe", "--always", "--dirty"),
            "versions": {"viaduct": first_line(program("viaduct"), "--version"),
                         "dpdk": first_line("pkg-config", "--modversion", "libdpdk"), "kamailio": kamailio}}
