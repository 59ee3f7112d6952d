"""Callers and backends that keep account of every message by Call-ID.

SIPp says how many calls went well; this says where each of their messages went. A Census is one thread that serves the
sockets of all hosts with one selector: backends that ring, answer and hang up, and callers that retransmit as RFC 3261
section 17 has it. What it saw is read while it runs.
"""

import heapq
import itertools
import selectors
import socket
import threading
import time

from netlab import LabError, wait_until
from sip_hosts import endpoint

T1 = 0.5
GIVE_UP_SECONDS = 8.0  # of a transaction; a test waits for no 32 s
RECEIVE_BYTES = 8 << 20


class Message:
    """What one datagram says, as far as an account needs it. Header names are as Viaduct and this file write them."""

    __slots__ = ("method", "status", "uri", "lines", "vias", "routes", "call_id", "cseq", "cseq_method", "to", "sender",
                 "contact")

    def __init__(self, text):
        self.lines = text.split("\r\n\r\n", 1)[0].split("\r\n")
        first = self.lines[0].split(" ", 2)
        self.status = int(first[1]) if first[0] == "SIP/2.0" else 0
        self.method, self.uri = ("", "") if self.status else (first[0], first[1])
        self.vias, self.routes = [], []
        self.call_id = self.cseq_method = self.to = self.sender = self.contact = ""
        self.cseq = 0
        for line in self.lines[1:]:
            name, _, value = line.partition(": ")
            if name == "Via":
                self.vias.append(value)
            elif name == "Record-Route":
                self.routes.append(value)
            elif name == "Call-ID":
                self.call_id = value
            elif name == "CSeq":
                number, _, self.cseq_method = value.partition(" ")
                self.cseq = int(number)
            elif name == "To":
                self.to = value
            elif name == "From":
                self.sender = value
            elif name == "Contact":
                self.contact = value

    def branch(self, index):
        return self.vias[index].partition(";branch=")[2].partition(";")[0] if index < len(self.vias) else ""

    def to_tag(self):
        return self.to.partition(";tag=")[2]


class Arrival:
    """A request at a backend."""

    __slots__ = ("at", "backend", "method", "call_id", "cseq", "branch", "in_dialog")

    def __init__(self, backend, message):
        self.at = time.monotonic()
        self.backend = backend
        self.method, self.call_id, self.cseq = message.method, message.call_id, message.cseq
        self.branch = message.branch(1)  # the caller's
        self.in_dialog = bool(message.to_tag())


class Timers:
    def __init__(self):
        self.heap = []
        self.serial = itertools.count()

    def after(self, seconds, function, *arguments):
        heapq.heappush(self.heap, (time.monotonic() + seconds, next(self.serial), function, arguments))

    def run_due(self):
        while self.heap and self.heap[0][0] <= time.monotonic():
            _, _, function, arguments = heapq.heappop(self.heap)
            function(*arguments)

    def wait(self):
        return min(max(self.heap[0][0] - time.monotonic(), 0), 0.05) if self.heap else 0.05


class Backend:
    """A server with one address: 180, then 200 after `ring` seconds unless it is told to hold its answers back."""

    def __init__(self, census, host, name, address):
        self.census, self.host, self.name, self.address = census, host, name, address
        self.socket = None
        self.dialogs = set()  # Call-IDs
        self.invites = {}     # top branch -> the last answer
        self.unanswered = {}  # top branch -> the INVITE, while it rings
        self.unacknowledged = set()
        self.strays = []      # requests of dialogs that are not ours
        self.start()

    def start(self):
        self.socket = self.census.open(self.host, self.address, 5060, self.receive)

    def kill(self):
        """As kill -9: the socket is gone, the kernel answers for it, and what it knew is forgotten."""
        with self.census.lock:
            self.census.close(self.socket)
            self.socket = None
            for known in (self.dialogs, self.invites, self.unanswered, self.unacknowledged):
                known.clear()

    def receive(self, text, source):
        message = Message(text)
        if message.status:
            return
        survey = self.census.survey_of(message)
        if survey is not None:
            survey.setdefault(message.call_id, set()).add(self.name)
            return
        if len(message.vias) > 1:  # else it is a probe
            self.census.arrivals.append(Arrival(self.name, message))
        getattr(self, f"on_{message.method.lower()}", self.on_other)(message, source)

    def reply(self, message, status, source):
        lines = [f"SIP/2.0 {status}"]
        lines += [line for line in message.lines[1:]
                  if line.startswith(("Via: ", "From: ", "Call-ID: ", "CSeq: ", "Record-Route: "))]
        tag = "" if ";tag=" in message.to else f";tag={self.name}"
        lines += [f"To: {message.to}{tag}", f"Contact: <sip:{self.name}@{endpoint(self.address)}>",
                  "Content-Length: 0", "", ""]
        text = "\r\n".join(lines)
        self.census.send(self.socket, text, source)
        return text

    def on_invite(self, message, source):
        branch = message.branch(0)
        if branch in self.invites:  # a copy
            self.census.send(self.socket, self.invites[branch], source)
            return
        self.unanswered[branch] = (message, source)
        self.invites[branch] = self.reply(message, "180 Ringing", source)
        if self.census.ring is not None:
            self.census.timers.after(self.census.ring, self.answer, branch)

    def answer(self, branch):
        if branch not in self.unanswered:
            return
        message, source = self.unanswered.pop(branch)
        self.dialogs.add(message.call_id)
        self.unacknowledged.add((message.call_id, message.cseq))
        self.final(branch, message, "200 OK", source, T1, time.monotonic() + GIVE_UP_SECONDS)

    def final(self, branch, message, status, source, interval, end):
        """Sends it again until the ACK comes."""
        if (message.call_id, message.cseq) not in self.unacknowledged or self.socket is None or time.monotonic() > end:
            return
        self.invites[branch] = self.reply(message, status, source)
        self.census.timers.after(interval, self.final, branch, message, status, source, 2 * interval, end)

    def on_ack(self, message, _):
        self.unacknowledged.discard((message.call_id, message.cseq))

    def on_cancel(self, message, source):
        branch = message.branch(0)
        invite = self.unanswered.pop(branch, None)
        if invite is None and branch in self.invites:  # too late, or a copy
            self.reply(message, "200 OK", source)
            return
        if invite is None:
            self.strays.append(Arrival(self.name, message))
            self.reply(message, "481 Call/Transaction Does Not Exist", source)
            return
        self.reply(message, "200 OK", source)
        self.unacknowledged.add((message.call_id, message.cseq))
        self.final(branch, invite[0], "487 Request Terminated", invite[1], T1,
                   time.monotonic() + GIVE_UP_SECONDS)

    def on_options(self, message, source):
        self.reply(message, "200 OK", source)

    def on_other(self, message, source):
        known = message.call_id in self.dialogs
        if not known:
            self.strays.append(Arrival(self.name, message))
        self.reply(message, "200 OK" if known else "481 Call/Transaction Does Not Exist", source)


class Call:
    """One call of the callers' socket."""

    def __init__(self, callers, call_id, hold=None, copies=(), cancel_after=None):
        self.callers, self.call_id, self.hold, self.cancel_after = callers, call_id, hold, cancel_after
        self.state = "calling"  # calling, ringing, talking, ending, completed, failed
        self.why = ""
        self.cseq = 1
        self.uri, self.routes, self.to = callers.uri, (), f"<{callers.uri}>"
        self.cancelled = False
        self.pending = {}  # (cseq, method) -> text, until there is an answer that stops it
        self.outcomes = {}  # (cseq, method) -> status
        self.invite = self.request("INVITE")
        self.transact("INVITE", self.invite)
        for seconds in copies:
            callers.census.timers.after(seconds, self.copy)

    def branch(self, method):
        return f"z9hG4bK{self.call_id}-{self.cseq}{'a' if method == 'ACK' and self.routes else ''}"

    def request(self, method):
        here = endpoint(self.callers.address)
        lines = [f"{method} {self.uri} SIP/2.0", f"Via: SIP/2.0/UDP {here};rport;branch={self.branch(method)}",
                 "Max-Forwards: 70", *(f"Route: {route}" for route in self.routes),
                 f"From: <sip:caller@{here}>;tag={self.call_id}", f"To: {self.to}", f"Call-ID: {self.call_id}",
                 f"CSeq: {self.cseq} {method}", f"Contact: <sip:caller@{here}>", "Content-Length: 0", "", ""]
        return "\r\n".join(lines)

    def transact(self, method, text):
        key = (self.cseq, method)
        self.pending[key] = text
        self.again(key, T1, time.monotonic() + GIVE_UP_SECONDS)

    def again(self, key, interval, end):
        if key not in self.pending:
            return
        if time.monotonic() > end:
            self.fail(f"no answer to {key[1]} {key[0]}")
            return
        self.callers.send(self.pending[key])
        self.callers.census.timers.after(interval, self.again, key, 2 * interval, end)

    def copy(self):
        """As a network duplicates, or an impatient caller."""
        if self.state in ("calling", "ringing") and not self.cancelled:
            self.callers.send(self.invite)

    def fail(self, why):
        self.state, self.why = "failed", why
        self.pending.clear()

    def receive(self, message):
        key = (message.cseq, message.cseq_method)
        if message.cseq_method == "INVITE":
            return self.on_invite_answer(message, key)
        if message.status >= 200 and key in self.pending:
            del self.pending[key]
            self.outcomes[key] = message.status
            if message.cseq_method == "BYE":
                self.state = "completed" if message.status == 200 else "failed"
                self.why = "" if message.status == 200 else f"BYE: {message.status}"

    def on_invite_answer(self, message, key):
        self.pending.pop(key, None)
        if message.status < 200:
            if self.state == "calling":
                self.state = "ringing"
                if self.cancel_after is not None:
                    self.callers.census.timers.after(self.cancel_after, self.cancel)
        elif message.status < 300:
            self.on_success(message)
        else:
            self.to = message.to
            self.callers.send(self.request("ACK"))
            if self.state not in ("completed", "failed"):
                self.outcomes[key] = message.status
                self.state = "completed" if self.cancelled and message.status == 487 else "failed"
                self.why = f"INVITE: {message.status}"

    def on_success(self, message):
        if self.state in ("calling", "ringing"):
            self.state = "talking"
            self.to, self.uri = message.to, message.contact.strip("<>")
            self.routes = tuple(reversed(message.routes))
            if self.hold is not None:
                self.callers.census.timers.after(self.hold, self.hang_up)
        if message.cseq == 1:
            now, self.cseq = self.cseq, 1
            self.callers.send(self.request("ACK"))
            self.cseq = now

    def cancel(self):
        if self.state == "ringing":
            self.cancelled = True
            self.transact("CANCEL", self.invite.split("\r\n\r\n")[0].replace("INVITE sip:", "CANCEL sip:").replace(
                "1 INVITE", "1 CANCEL") + "\r\n\r\n")

    def within(self, method):
        """A request inside the dialog."""
        self.cseq += 1
        self.transact(method, self.request(method))
        return self.cseq, method

    def hang_up(self):
        if self.state == "talking":
            self.state = "ending"
            self.within("BYE")


class Callers:
    """Many callers behind one socket."""

    def __init__(self, census, host, address, target, port=5060):
        self.census, self.address, self.target = census, address, (target, 5060)
        self.uri = f"sip:service@{endpoint(target)}"
        self.calls = {}
        self.loading = False
        self.socket = census.open(host, address, port, self.receive)

    def send(self, text):
        self.census.send(self.socket, text, self.target)

    def receive(self, text, _):
        message = Message(text)
        call = self.calls.get(message.call_id)
        if call and message.status:
            call.receive(message)

    def call(self, call_id, **options):
        self.calls[call_id] = Call(self, call_id, **options)

    def load(self, rate, count, prefix="call", cancel_every=0, **options):
        """`count` calls at `rate` a second, from now on."""
        self.loading = True
        started = time.monotonic()

        def due(number=0):
            while number < count and self.loading and number <= (time.monotonic() - started) * rate:
                own = dict(options)
                if cancel_every and number % cancel_every == 0:
                    own["cancel_after"] = 0.15
                self.call(f"{prefix}{number}", **own)
                number += 1
            if number < count and self.loading:
                self.census.timers.after(0.5 / rate, due, number)
            else:
                self.loading = False

        self.census.timers.after(0, due)

    def stop_loading(self):
        with self.census.lock:
            self.loading = False

    def states(self):
        """How many calls are in which state."""
        with self.census.lock:
            counted = {}
            for call in self.calls.values():
                counted[call.state] = counted.get(call.state, 0) + 1
            return counted

    def failures(self):
        with self.census.lock:
            return [f"{call.call_id}: {call.why}" for call in self.calls.values() if call.state == "failed"]

    def finish(self, seconds=20):
        """Until every call has come to its end."""
        wait_until(lambda: not self.loading and not set(self.states()) - {"completed", "failed"}, seconds,
                   "the end of every call")

    def ask_all(self, method, calls, seconds=15):
        """A request in each dialog; Call-ID -> status."""
        with self.census.lock:
            keys = {call_id: self.calls[call_id].within(method) for call_id in calls}
        wait_until(lambda: all(keys[call_id] in self.calls[call_id].outcomes or self.calls[call_id].state == "failed"
                               for call_id in calls), seconds, f"answers to {len(keys)} {method}")
        return {call_id: self.calls[call_id].outcomes.get(key, 0) for call_id, key in keys.items()}


class Census:
    """The thread; a context manager. Whoever changes something from outside takes `lock`."""

    def __init__(self, ring=0.0):
        self.ring = ring  # seconds until a backend answers; None: when it is told to
        self.lock = threading.RLock()
        self.timers = Timers()
        self.selector = selectors.DefaultSelector()
        self.arrivals = []
        self.surveys = {}
        self.survey_rounds = itertools.count()
        self.running = True
        self.error = None
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def open(self, host, address, port, receive):
        made = host.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, 33, RECEIVE_BYTES)  # SO_RCVBUFFORCE
        made.setblocking(False)
        made.bind((address, port))
        with self.lock:
            self.selector.register(made, selectors.EVENT_READ, receive)
        return made

    def close(self, which):
        self.selector.unregister(which)
        which.close()

    def send(self, which, text, target):
        try:
            if which is not None:
                which.sendto(text.encode(), target[:2])
        except (BlockingIOError, ConnectionRefusedError):
            pass  # lost, as on any wire; who cares sends it again

    def serve(self):
        try:
            while self.running:
                with self.lock:
                    self.timers.run_due()
                    wait = self.timers.wait()
                ready = self.selector.select(wait)
                with self.lock:
                    for key, _ in ready:
                        self.drain(key.fileobj, key.data)
        except Exception as error:  # shown by `check_alive`: nobody looks at a thread's last words
            self.error = error
            raise

    def drain(self, which, receive):
        for _ in range(64):
            try:
                data, source = which.recvfrom(65535)
            except (BlockingIOError, ConnectionRefusedError):
                return
            except OSError:
                return  # closed by one of those before it
            receive(data.decode(errors="replace"), source)

    def check_alive(self):
        if self.error is not None:
            raise LabError(f"the census ended: {self.error!r}")

    # Where keys go: requests outside of dialogs, one a Call-ID, each a new transaction. Nobody answers them.

    def survey_of(self, message):
        return self.surveys.get(message.branch(1).partition("-survey")[2]) if len(message.vias) > 1 else None

    def survey(self, callers, keys, burst=48):
        """Call-ID -> the backend at which a new transaction of it arrives; each key must arrive at one only."""
        number = str(next(self.survey_rounds))
        with self.lock:
            seen = self.surveys[number] = {}
        here = endpoint(callers.address)
        missing = list(keys)
        for _ in range(20):
            for start in range(0, len(missing), burst):
                goal = len(seen) + min(burst, len(missing) - start)
                for key in missing[start:start + burst]:
                    callers.send(f"OPTIONS {callers.uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{key}-survey"
                                 f"{number}\r\nMax-Forwards: 70\r\nFrom: <sip:k@{here}>;tag=1\r\nTo: <{callers.uri}>\r\n"
                                 f"Call-ID: {key}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
                end = time.monotonic() + 0.25
                while len(seen) < goal and time.monotonic() < end:
                    time.sleep(0.0005)
            missing = [key for key in missing if key not in seen]
            if not missing:
                break
        self.check_alive()
        if missing:
            raise LabError(f"{len(missing)} of {len(keys)} requests reached no backend")
        split = [key for key, names in seen.items() if len(names) != 1]
        if split:
            raise LabError(f"{len(split)} transactions reached two backends, such as {split[0]}")
        return {key: next(iter(names)) for key, names in seen.items()}

    # Accounts.

    def of(self, method):
        with self.lock:
            return [arrival for arrival in self.arrivals if arrival.method == method]

    def homes(self):
        """Call-ID -> backends that got its INVITE or a copy."""
        found = {}
        for arrival in self.of("INVITE"):
            if not arrival.in_dialog:
                found.setdefault(arrival.call_id, set()).add(arrival.backend)
        return found

    def split_transactions(self):
        """Transactions of which two backends got a part: copies, CANCEL and ACK of an INVITE belong to it."""
        found = {}
        with self.lock:
            for arrival in self.arrivals:
                found.setdefault((arrival.branch, arrival.cseq), set()).add(arrival.backend)
        return {key: names for key, names in found.items() if len(names) > 1}

    def wandered_calls(self):
        """Call-IDs whose messages reached more than one backend."""
        found = {}
        with self.lock:
            for arrival in self.arrivals:
                found.setdefault(arrival.call_id, set()).add(arrival.backend)
        return {key: names for key, names in found.items() if len(names) > 1}
