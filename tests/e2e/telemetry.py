"""DPDK's telemetry socket: its own client, figures equal to the control socket's, many clients, a sandbox that holds."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess

from calls import testbed
from come_and_go import CALLEE, await_probed, config_text
from harness import Peer, Skip, check, check_calls, check_equal, check_ledger, check_stops, drops, scenario
from netlab import LabError, wait_until
from testbed import IPV4, Balancer, default_cores

CLIENTS_MAX = 10  # DPDK's own bound


def client_program():
    found = shutil.which("dpdk-telemetry.py")
    if not found:
        raise Skip("there is no dpdk-telemetry.py on this machine; scripts/setup installs it (dpdk-dev)")
    return found


class Telemetry:
    """A connection to the socket, as dpdk-telemetry.py makes one."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(5)
        self.socket.connect(path)
        self.hello = json.loads(self.socket.recv(1024))

    def ask(self, command):
        self.socket.send(command.encode())
        answer = self.socket.recv(self.hello["max_output_len"])
        return json.loads(answer)[command.split(",")[0]]

    def close(self):
        self.socket.close()


def start(bed, runtime_directory, **options):
    bed.settle(IPV4)
    os.makedirs(runtime_directory, exist_ok=True)
    text = config_text(bed, **options).replace("[runtime]\n", "[runtime]\ndpdk_telemetry = true\n")
    return Balancer(bed.balancer_host, text, launcher=("env", f"RUNTIME_DIRECTORY={runtime_directory}"))


def equals(answered, row, where):
    """Every member of the one is a member of the other, as far as the telemetry library knows its kind."""
    for name, value in row.items():
        if isinstance(value, bool):
            check_equal(answered[name], int(value), f"{where} {name}")
        elif isinstance(value, int):
            check_equal(answered[name], value, f"{where} {name}")
        elif isinstance(value, float):
            check_equal(answered[f"{name}_x1000"], round(value * 1000), f"{where} {name}")
        elif isinstance(value, str):
            check_equal(answered[name], value, f"{where} {name}")


def settled(telemetry, balancer):
    """What is published each second has caught up with what the socket says."""
    def caught_up():
        stat_now = balancer.show("stat")
        answered = telemetry.ask("/viaduct/stat")
        return stat_now if all(answered[term] == stat_now["ledger"][term] for term in ("forwarded", "dropped")) else None

    return wait_until(caught_up, 5, "a snapshot of now", interval=0.2)


@scenario
def telemetry_tells_what_the_control_socket_tells():
    program = client_program()
    with testbed() as bed:
        directory = bed.lab.path("run")
        balancer = start(bed, directory)
        callees = bed.start_callees(IPV4, CALLEE)
        await_probed(balancer)
        check_calls(bed.start_caller(IPV4, rate=60, calls=120), callees, 120)
        with Peer(bed.client, IPV4.client, 5099) as peer:
            for _ in range(5):
                peer.send("this is no SIP\n\n", IPV4.outside)
        wait_until(lambda: sum(drops(balancer).values()) - drops(balancer).get("left_to_kernel", 0) >= 5, 5,
                   f"drops beyond {balancer.show('drops')}")
        check_ledger(balancer)
        path = os.path.join(directory, "dpdk", "viaduct", "dpdk_telemetry.v2")
        check_equal(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700, "mode of its directory")
        telemetry = Telemetry(path)
        check_equal(telemetry.hello["pid"], balancer.process.pid, "pid")
        shown = settled(telemetry, balancer)
        answered = telemetry.ask("/viaduct/stat")
        check(answered["age_ms"] < 3000, f"the snapshot is {answered['age_ms']} ms old")
        equals(answered, {name: value for name, value in shown["ledger"].items() 
                          if name not in ("in_flight", "received", "punted")}, "stat")
        equals(answered, {name: shown[name] for name in ("requests_forwarded", "responses_forwarded", "bytes_sent")}, "stat")
        info = balancer.show("info")
        equals(telemetry.ask("/viaduct/info"), {name: info[name] for name in ("version", "simd", "workers")}, "info")
        for name, row in zip(("p1", "p2", "p3"), balancer.show("backends")["backends"]):
            equals(telemetry.ask(f"/viaduct/backends,proxies/{name}")[f"proxies/{name}"], row, f"backends {name}")
        every = telemetry.ask("/viaduct/backends")
        check_equal((every["rows"], sorted(every)), (3, ["age_ms", "proxies/p1", "proxies/p2", "proxies/p3", "rows"]), "backends")
        check_equal(sorted(telemetry.ask("/viaduct/backends,2")), ["age_ms", "proxies/p3", "rows"], "backends from row 2")
        check_equal(telemetry.ask("/viaduct/backends,nobody"), None, "a backend that there is not")
        answered_drops = {name: row["messages"] for name, row in telemetry.ask("/viaduct/drops").items()
                          if isinstance(row, dict)}
        counted = drops(balancer)
        for counts in (answered_drops, counted):
            counts.pop("left_to_kernel", None)  # the kernels talk all the time
        check(answered_drops, "no drops at all")
        check_equal(answered_drops, counted, "drops")
        equals(telemetry.ask("/viaduct/workers,0")["0"],
               {"lcore": balancer.show("workers")["workers"][0]["lcore"]}, "worker 0")
        invites = telemetry.ask("/viaduct/latency,proxies/p1/INVITE")["proxies/p1/INVITE"]
        row = next(each for each in balancer.show("latency")["latency"]
                   if (each["backend"], each["method"]) == ("p1", "INVITE"))
        equals(invites, {name: row[name] for name in ("requests", "answered", "open_percent", "since_start_p50_ms")}, "latency")
        check_equal(sorted(telemetry.ask("/viaduct/ports")), ["age_ms", "core", "edge", "rows"], "ports")

        # Debian's own client, by the prefix that stays the same over restarts.
        done = subprocess.run([program, "-f", "viaduct"], input="/viaduct/stat\n/viaduct/workers\nquit\n", text=True,
                              capture_output=True, timeout=10, env={**os.environ, "RUNTIME_DIRECTORY": directory})
        check(re.search(rf'"forwarded": {answered["forwarded"]}\b', done.stdout), f"it says {done.stdout}{done.stderr}")

        # Its threads, a client each, have the control core and no privileges.
        more = [Telemetry(path) for _ in range(CLIENTS_MAX - 1)]
        for client in more:
            check_equal(client.ask("/viaduct/stat")["forwarded"], answered["forwarded"], "forwarded, as one of many hears it")
        control_core, _ = default_cores()
        tasks = f"/proc/{balancer.process.pid}/task"
        checked = 0
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/status", encoding="utf-8") as file:
                status = dict(line.split(":", 1) for line in file.read().splitlines())
            check_equal(status["Seccomp"].strip(), "2", f"Seccomp of {status['Name']}")
            if status["Name"].strip().startswith("telemetry") or task not in (str(balancer.process.pid),):
                checked += status["Cpus_allowed_list"].strip() == str(control_core)
        check(checked >= CLIENTS_MAX, f"{checked} threads are kept on the control core, expected {CLIENTS_MAX} and more")
        for client in [telemetry, *more]:
            client.close()
        check_stops(balancer)


@scenario
def telemetry_is_off_unless_wanted():
    with testbed() as bed:
        directory = bed.lab.path("run")
        os.makedirs(directory)
        bed.settle(IPV4)
        balancer = Balancer(bed.balancer_host, config_text(bed), launcher=("env", f"RUNTIME_DIRECTORY={directory}"))
        found = [name for _, _, names in os.walk(directory) for name in names]
        check_equal(found, [], "files in the runtime directory")
        check_stops(balancer)


@scenario
def telemetry_without_a_place_for_its_socket_is_a_sentence():
    with testbed() as bed:
        bed.settle(IPV4)
        text = config_text(bed).replace("[runtime]\n", "[runtime]\ndpdk_telemetry = true\n")
        try:
            Balancer(bed.balancer_host, text, launcher=("env", "RUNTIME_DIRECTORY=/proc/nowhere"))
        except LabError as error:
            check("dpdk_telemetry = true needs a directory" in str(error), f"it says: {error}")
        else:
            raise AssertionError("it starts")
