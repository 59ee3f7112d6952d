"""What an intruder would find: few privileges, a socket for its group, nothing for third parties."""

import base64
import os
import pwd
import re
import signal
import socket
import struct
import time

from answers import message
from calls import testbed
from harness import (Peer, check, check_calls, check_equal, check_ledger, check_stops, drops, header_values,
                     scenario)
from netlab import wait_until
from privileges import check_shed, thread_status
from sip_hosts import endpoint
from testbed import IPV4, Balancer, balancer_config

NOBODY = "nobody"
NET_ADMIN = 1 << 12


def config(bed, runtime="", control="", rest=""):
    """The three-host configuration with more in [runtime] and [control], and a socket in a directory of its own."""
    text = balancer_config(IPV4, bed.lab.directory)
    text = text.replace("[runtime]\n", "[runtime]\n" + runtime).replace("[control]\n", "[control]\n" + control)
    return text + rest


def check_balancer_shed(process, user):
    threads = len(thread_status(process))
    check(threads >= 3, f"{threads} threads: where are the workers?")
    check_shed(process, user, kept=NET_ADMIN, seccomp="2")


def prepare_for(bed, user):
    """Directories as an operator makes them for a user: to be entered, and one for state."""
    account = pwd.getpwnam(user)
    os.chmod(bed.lab.directory, 0o711)
    state = bed.lab.path("state")
    os.mkdir(state)
    os.chown(state, account.pw_uid, account.pw_gid)
    return account


@scenario
def as_another_user_everything_goes_on():
    """Started as root with `user`: every thread has shed what it had; calls, reload, bans, a drain and the end work."""
    with testbed() as bed:
        account = prepare_for(bed, NOBODY)
        text = config(bed, runtime=f'user = "{NOBODY}"\n')
        text = text.replace(f'{bed.lab.directory}/state.json', f'{bed.lab.directory}/state/state.json')
        text = text.replace(f'{bed.lab.directory}/viaduct.sock', f'{bed.lab.directory}/run/viaduct.sock')
        balancer = Balancer(bed.balancer_host, text, socket="run/viaduct.sock")
        check_balancer_shed(balancer.process, account.pw_uid)
        log = balancer.process.output()
        check(f"privileges: user {NOBODY}, no capability but net_admin in the control thread" in log,
              f"no line in the log:\n{log}")
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=100), callees, 100)

        # The secret is root's: read before, and not to be had any more, until the operator gives it away.
        done = balancer.ctl("reload")
        check(done.returncode == 1 and "secret" in done.stderr, f"reload without leave to read the secret: {done}")
        os.chown(bed.lab.path("secret"), account.pw_uid, account.pw_gid)
        check_equal(balancer.ctl("reload").returncode, 0, "exit code of reload")
        balancer.process.signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP received" in balancer.process.output(), 5, "a line about SIGHUP")
        check_equal(balancer.ctl("backend", "drain", "proxies/p2").returncode, 0, "exit code of a drain")
        wait_until(lambda: os.path.exists(bed.lab.path("state/state.json")), 5, "the state file")
        check_equal(balancer.ctl("ban", "add", "192.0.2.7", "1h").returncode, 0, "exit code of a ban")
        check_equal(balancer.ctl("ban", "del", "192.0.2.7").returncode, 0, "exit code of its end")
        check_balancer_shed(balancer.process, account.pw_uid)
        check_ledger(balancer)
        check_stops(balancer)
        check(not os.path.exists(balancer.socket_path), "the socket is still there")


@scenario
def as_root_without_a_root_s_rights():
    """Without `user` it stays root by number alone; a neighbour that comes later is still asked for."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        check_balancer_shed(balancer.process, 0)
        bed.client.add_address("edge0", "10.77.0.44/24")
        with Peer(bed.client, "10.77.0.44") as peer:
            text = message(IPV4, f"INVITE sip:x@{endpoint(IPV4.outside)} SIP/2.0").replace(IPV4.client, "10.77.0.44")
            text = text.replace("From:", "Max-Forwards: 0\nFrom:")
            peer.send(text, IPV4.outside)
            answer = peer.receive()
            check(answer is not None and answer[0].startswith("SIP/2.0 483"), f"a new neighbour got {answer}")
        check_ledger(balancer)
        check_stops(balancer)


# As config/viaduct.service starts it: never root.
SERVICE = ("setpriv", f"--reuid={NOBODY}", "--regid=nogroup", "--clear-groups",
           "--inh-caps=-all,+net_admin,+net_raw,+ipc_lock,+net_bind_service",
           "--ambient-caps=-all,+net_admin,+net_raw,+ipc_lock,+net_bind_service",
           "--bounding-set=-all,+net_admin,+net_raw,+ipc_lock,+net_bind_service")


@scenario
def started_with_four_capabilities_and_no_root():
    with testbed() as bed:
        account = prepare_for(bed, NOBODY)
        os.chown(bed.lab.directory, account.pw_uid, account.pw_gid)
        balancer = Balancer(bed.balancer_host, config(bed), launcher=SERVICE, secret_owner=account.pw_uid)
        for thread, fields in thread_status(balancer.process).items():
            kept = NET_ADMIN if thread == balancer.process.pid else 0
            check_equal(int(fields["CapPrm"], 16), kept, f"CapPrm of thread {fields['Name']}")
            check_equal((int(fields["CapAmb"], 16), fields["NoNewPrivs"], fields["Seccomp"]), (0, "1", "2"),
                        f"what thread {fields['Name']} has left")
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=50), callees, 50)
        check_equal(balancer.ctl("reload").returncode, 0, "exit code of reload")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def the_control_socket_is_for_its_group():
    with testbed() as bed:
        os.chmod(bed.lab.directory, 0o711)
        text = config(bed, control='group = "daemon"\nmode = "0660"\n')
        balancer = Balancer(bed.balancer_host, text)
        found = os.stat(balancer.socket_path)
        group = next(line.split(":")[2] for line in open("/etc/group", encoding="utf-8") if line.startswith("daemon:"))
        check_equal((found.st_uid, found.st_gid, found.st_mode & 0o777), (0, int(group), 0o660), "owner, group, mode")
        ask = ("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b'show info\\n'); "
               "print(s.recv(65536).decode())")
        for member, wanted in (("daemon", 0), ("nogroup", 1)):
            done = bed.balancer_host.run("setpriv", f"--reuid={NOBODY}", f"--regid={member}", "--clear-groups",
                                         "python3", "-c", ask, balancer.socket_path)
            check_equal(done.returncode, wanted, f"exit code for a member of {member}: {done.stderr}")
            check(wanted == 0 or "PermissionError" in done.stderr, f"another reason: {done.stderr}")
        check_stops(balancer)


@scenario
def who_does_not_exist_is_an_error():
    with testbed() as bed:
        for runtime, control, sentence in (('user = "no-such-user"\n', "", "there is no user 'no-such-user'"),
                                           ("", 'group = "no-such-group"\n', "there is no group 'no-such-group'")):
            path = bed.lab.path("wrong.toml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(config(bed, runtime, control).replace(f'secret_file  = "{bed.lab.directory}/secret"\n', ""))
            process = bed.balancer_host.start("wrong", *Balancer.command(path))
            check_equal(process.wait(20), 1, "exit code")
            check(sentence in process.output(), f"what it said: {process.output()}")


def spellings(secret):
    """Ways in which eight octets of a secret, or all of it, could be written."""
    found = {base64.b64encode(secret).decode().rstrip("=")}
    for begin in range(0, len(secret), 8):
        for order in ("big", "little"):
            word = int.from_bytes(secret[begin:begin + 8], order)
            found |= {f"{word:016x}", f"{word:016X}", str(word), f"{word:x}"}
    return found


@scenario
def the_secret_is_told_nowhere():
    """SEC-32: every report in every form, explain, reloads right and wrong, the log, the state file, /proc."""
    with testbed() as bed:
        balancer = bed.start_balancer(IPV4)
        with open(bed.lab.path("secret"), encoding="ascii") as file:
            secret = bytes.fromhex(file.read())
        callees = bed.start_callees(IPV4)
        check_calls(bed.start_caller(IPV4, rate=50, calls=30), callees, 30)
        told = {}

        def ask(*arguments):
            done = balancer.ctl(*arguments)
            told[" ".join(arguments)] = done.stdout + done.stderr

        commands = re.findall(r"^  ([a-z][a-z-]+)\s", balancer.ctl("--help").stdout, re.MULTILINE)
        views = [name for name in commands if name not in ("serve", "explain", "check", "backend", "ban", "save", "events",
                                                       "top", "capture", "trace")]
        check(len(views) >= 10 and "info" in views, f"commands of viaductctl: {commands}")
        for view in views:
            ask(view)
            ask(view, "--json")
        ask("events")
        ask("top", "-n", "1", "-d", "0.1")
        ask("capture", "-o", bed.lab.path("some.pcapng"), "--seconds", "0.1")
        with open(bed.lab.path("some.pcapng"), encoding="latin-1") as file:
            told["capture"] = file.read()
        invite = bed.lab.path("invite.sip")
        with open(invite, "w", encoding="utf-8", newline="") as file:
            file.write(message(IPV4, "INVITE sip:x@example.com SIP/2.0", headers="Max-Forwards: 70\n").replace("\n", "\r\n"))
        ask("explain", "--config", balancer.config_path, invite)
        ask("backend", "drain", "proxies/p2")
        ask("reload", "--dry-run")
        ask("check", balancer.config_path)
        with open(bed.lab.path("secret"), "w", encoding="ascii") as file:
            file.write(secret.hex()[:-1] + "x\n")  # a slip, whose message may show its place and no more
        ask("reload")
        check("hexadecimal" in told["reload"], f"a reload with a wrong secret: {told['reload']}")
        wait_until(lambda: os.path.exists(bed.lab.path("state.json")), 5, "the state file")
        check_stops(balancer)
        told["the log"] = balancer.process.output()
        with open(bed.lab.path("state.json"), encoding="utf-8") as file:
            told["the state file"] = file.read()
        for where, text in told.items():
            for spelling in spellings(secret):
                check(spelling not in text, f"{where} tells the secret as {spelling}")


class Bystander:
    """A host that took no part in anything: what IP packets does it get?"""

    def __init__(self, host, interface):
        self.socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.socket.bind((interface, 3))  # ETH_P_ALL
        self.socket.settimeout(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def got(self):
        """UDP datagrams that came to it so far, of either family."""
        frames = []
        while True:
            try:
                data, address = self.socket.recvfrom(65535)
            except BlockingIOError:
                return frames
            kind = struct.unpack("!H", data[12:14])[0]
            udp = (kind == 0x0800 and data[23] == 17) or (kind == 0x86dd and data[20] == 17)
            if udp and address[2] != socket.PACKET_OUTGOING:
                frames.append(data)


THIRD = "10.79.0.2"


def tricks(ours, caller):
    """(name, message): everything a liar can write that names the third party. `ours` is a true Via of the balancer's,
    overheard on the way to a backend."""
    us = endpoint(IPV4.outside)

    def request(name, method="INVITE", uri=f"sip:service@{us}", via=f"{caller}:5060", headers="Max-Forwards: 70\n",
                tag=""):
        return (f"{method} {uri} SIP/2.0\nVia: SIP/2.0/UDP {via};branch=z9hG4bK{name}\n{headers}"
                f"From: <sip:liar@{THIRD}>;tag=1\nTo: <sip:service@{us}>{tag}\nCall-ID: {name}\nCSeq: 1 {method}\n"
                f"Contact: <sip:liar@{THIRD}>\nContent-Length: 0\n\n")

    def response(name, *vias):
        rows = "".join(f"Via: {via}\n" for via in vias)
        return (f"SIP/2.0 200 OK\n{rows}From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: {name}\nCSeq: 1 INVITE\n"
                "Content-Length: 0\n\n")

    to_third = f"SIP/2.0/UDP {THIRD}:5060;branch=z9hG4bKthird"
    yield "response without our seal", response("r1", f"SIP/2.0/UDP {us};branch=z9hG4bKx", to_third)
    yield "response with a made-up seal", response(
        "r2", f"SIP/2.0/UDP {us};branch=z9hG4bKvd0123456789abcdef012345;vd=1.0.0123456789abcdef", to_third)
    yield "response with a true Via of ours", response("r3", ours, to_third)
    yield "response with received below a true Via", response(
        "r4", ours, f"SIP/2.0/UDP {caller}:5060;branch=z9hG4bKx;received={THIRD}")
    yield "response for a third party by maddr", response("r5", ours, f"SIP/2.0/UDP {caller};maddr={THIRD}")
    yield "response that is not ours at all", response("r6", to_third)
    for kind, spent in (("forwarded", "Max-Forwards: 70\n"), ("answered by us", "Max-Forwards: 0\n")):
        yield f"sent-by, {kind}", request("q1", via=f"{THIRD}:5060", headers=spent)
        yield f"received, {kind}", request("q2", via=f"{caller}:5060;received={THIRD}", headers=spent)
        yield f"received and rport, {kind}", request("q3", via=f"{THIRD};rport=5060;received={THIRD}", headers=spent)
        yield f"maddr, {kind}", request("q4", via=f"{caller};maddr={THIRD}", headers=spent)
        yield f"Route, {kind}", request("q5", headers=f"Route: <sip:{THIRD};lr>\n{spent}")
        yield f"Route behind ours, {kind}", request("q6", headers=f"Route: <sip:{us};lr>, <sip:{THIRD};lr>\n{spent}")
        yield f"strict Route, {kind}", request("q7", headers=f"Route: <sip:{us}>, <sip:{THIRD}>\n{spent}")
        yield f"Route in a dialog, {kind}", request("q8", headers=f"Route: <sip:{THIRD};lr>\n{spent}", tag=";tag=9")
        yield f"Request-URI, {kind}", request("q9", uri=f"sip:{THIRD}", headers=spent)
        yield f"Request-URI by maddr, {kind}", request("q10", uri=f"sip:service@{us};maddr={THIRD}", headers=spent)
        for method in ("ACK", "CANCEL", "BYE"):
            yield f"{method} there, {kind}", request(f"q11{method}", method, f"sip:{THIRD}", headers=spent, tag=";tag=9")


@scenario
def no_trick_reaches_a_third_party():
    """SEC-20..25: a host with a port and a route of its own, that everything names and nothing may reach."""
    with testbed() as bed:
        third = bed.lab.add_host("third")
        bed.lab.connect(bed.balancer_host, "third0", third, "third0")
        bed.balancer_host.add_address("third0", "10.79.0.1/24")
        third.add_address("third0", f"{THIRD}/24")
        text = config(bed, rest='\n[[port]]\nname = "third"\ndevice = "af_packet:third0"\n\n[[listener]]\n'
                                'name = "there"\naddress = ["10.79.0.1:5060"]\npool = "proxies"\n')
        with (Bystander(third, "third0") as bystander, Peer(bed.client, IPV4.client) as liar,
              Peer(bed.backend_host, IPV4.backends["p1"]) as p1, Peer(bed.backend_host, IPV4.backends["p2"]) as p2,
              Peer(bed.backend_host, IPV4.backends["p3"]) as p3):
            balancer = Balancer(bed.balancer_host, text)
            # That it could be reached: it asks, and is answered.
            with Peer(third, THIRD) as asking:
                ask = message(IPV4, "OPTIONS sip:10.79.0.1 SIP/2.0", "1 OPTIONS", headers="Max-Forwards: 0\n")
                ask = ask.replace(IPV4.client, THIRD)
                for _ in range(20):
                    asking.send(ask, "10.79.0.1")
                    if asking.receive(0.25):
                        break
            check(bystander.got(), "the third party does not even hear its own answer: this test could not fail")
            time.sleep(0.3)
            bystander.got()

            backends = (p1, p2, p3)
            liar.send(message(IPV4, f"INVITE sip:service@{endpoint(IPV4.outside)} SIP/2.0", headers="Max-Forwards: 70\n"),
                      IPV4.outside)
            overheard = next(got for peer in backends if (got := peer.receive(1.0)))
            ours = header_values(overheard[0], "Via")[0]
            sent = 0
            for name, text in tricks(ours, IPV4.client):
                liar.send(text, IPV4.outside)
                sent += 1
                for peer in backends:  # whatever reaches a backend is answered as a backend does
                    while got := peer.receive(0.01):
                        if not got[0].startswith("ACK"):
                            answer_as_backend(peer, got[0])
            while liar.receive(0.3):
                pass
            frames = bystander.got()
            check(not frames, f"{len(frames)} packets reached the third party; the first: {frames[:1]}")
            counted = drops(balancer)
            check(counted.get("via_mac_bad", 0) >= 4, f"forged responses by reason: {counted}")
            ledger = check_ledger(balancer)
            check(ledger["received"] >= sent, f"{ledger['received']} received of {sent} tricks: {ledger}")
            check_stops(balancer)


def answer_as_backend(peer, request):
    rows = [line for line in request.split("\n\n", 1)[0].splitlines()
            if line.split(":")[0].lower() in ("via", "from", "to", "call-id", "cseq")]
    peer.send("\n".join(["SIP/2.0 200 OK", *rows, "Content-Length: 0", "", ""]), IPV4.inside)
