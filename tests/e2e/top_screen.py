"""`viaductctl top` in a terminal, as a screen: rates, a death, a restart, keys, sizes; and pages without a terminal."""

import fcntl
import html
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from browser import Browser, browser_program
from calls import testbed
from come_and_go import CALLEE, await_health, await_probed, config_text
from harness import Skip, check, check_calls, check_equal, check_stops, scenario
from netlab import wait_until
from testbed import IPV4, Balancer, build_directory, program

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, whichever python3 comes first here
try:
    import pyte
except ImportError:
    pyte = None

PICTURES = os.path.join(build_directory(), "test-results", "top")
UP, DOWN, LEFT, RIGHT, ENTER, ESCAPE, TAB = "\x1bOA", "\x1bOB", "\x1bOD", "\x1bOC", "\r", "\x1b", "\t"


def emulator(columns, rows):
    """(screen, stream) of pyte, which knows neither how to scroll by several lines at once nor how to repeat."""
    class Able(pyte.Screen):
        drawn = " "

        def draw(self, data):
            super().draw(data)
            self.drawn = data[-1:] or self.drawn

        def repeat(self, count=1):
            super().draw(self.drawn * (count or 1))

        def scroll(self, count, step, edge):
            line = self.cursor.y
            self.cursor.y = edge
            for _ in range(count or 1):
                step()
            self.cursor.y = line

        def scroll_up(self, count=1):
            self.scroll(count, self.index, self.margins.bottom if self.margins else self.lines - 1)

        def scroll_down(self, count=1):
            self.scroll(count, self.reverse_index, self.margins.top if self.margins else 0)

    class Stream(pyte.ByteStream):
        csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down", "b": "repeat"}
        events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}

    screen = Able(columns, rows)
    return screen, Stream(screen)


class Screen:
    """A program in a terminal of its own, and what that shows."""

    def __init__(self, balancer, columns, rows=24, locale="C.UTF-8", arguments=()):
        if pyte is None:
            raise Skip("there is no python3-pyte on this machine; scripts/setup installs it")
        self.screen, self.stream = emulator(columns, rows)
        self.raw = b""
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": locale}
        self.master, slave = pty.openpty()
        self.set_size(columns, rows)
        self.process = subprocess.Popen([program("viaductctl"), "--socket", balancer.socket_path, "top", *arguments],
                                        stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)
        os.close(self.master)

    def set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self.set_size(columns, rows)
        self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds=0.1):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self.stream.feed(data)

    def text(self):
        self.read()
        return "\n".join(line.rstrip() for line in self.screen.display)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def await_text(self, *wanted, seconds=8):
        """Until every regular expression is found."""
        deadline = time.monotonic() + seconds
        while True:
            text = self.text()
            missing = [each for each in wanted if not re.search(each, text)]
            if not missing:
                return text
            check(time.monotonic() < deadline, f"{missing} is not on the screen:\n{text}")

    def row(self, name):
        return next((line for line in self.text().splitlines() if line.startswith(name)), "")


def picture(browser, screen, width, name):
    """What the terminal shows, drawn by a browser as wide as the screen it is looked at on; the file's path."""
    colours = {"default": "#ddd", "brown": "#cc0", "black": "#000"}
    lines = []
    for y in range(screen.screen.lines):
        cells = []
        for x in range(screen.screen.columns):
            cell = screen.screen.buffer[y][x]
            front, back = colours.get(cell.fg, cell.fg), "#111" if cell.bg == "default" else cell.bg
            if cell.reverse:
                front, back = back, front
            weight = "bold" if cell.bold else "normal"
            cells.append(f'<span style="color:{front};background:{back};font-weight:{weight}">'
                         f'{html.escape(cell.data or " ")}</span>')
        lines.append("".join(cells))
    size = width / screen.screen.columns / 0.6022  # of a letter's height to its width in DejaVu Sans Mono
    page = (f'<meta name="viewport" content="width=device-width"><body style="margin:0;background:#111"><pre style="margin:0;font:{size:.3f}px/1.25 DejaVu Sans Mono,'
            f'monospace">' + "\n".join(lines) + "</pre>")
    path = os.path.join(PICTURES, f"{name}-{width}.png")
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(page)
        file.flush()
        browser.resize(width, 600)
        browser.open("file://" + file.name)
        shown = browser.evaluate("document.documentElement.scrollWidth")
        browser.screenshot(path)
    check(abs(shown - width) <= 8, f"{screen.screen.columns} columns are {shown} pixels wide, {width} were meant")
    return path


@scenario
def top_in_pictures():
    """As on a desk and as on a phone: nothing is cut off, and figures stand under their names."""
    browser_program()
    with testbed() as bed:
        balancer = start(bed)
        bed.start_callees(IPV4, CALLEE)
        await_probed(balancer)
        caller = bed.start_caller(IPV4, rate=40, calls=400)
        with Screen(balancer, 160, 40) as desk, Screen(balancer, 48, 40) as phone, Browser(bed.balancer_host) as browser:
            for width, screen in ((1280, desk), (390, phone)):
                for key, name in (("1", "all"), ("2", "backends")):
                    screen.press(key)
                    text = screen.await_text(r"proxies/p3 +up", r"in [1-9]\S*/s", "q quit")
                    check(max(len(line) for line in text.splitlines()) <= screen.screen.columns, text)
                    picture(browser, screen, width, name)
        caller.process.stop()
        check_stops(balancer)


def start(bed):
    bed.settle(IPV4)
    return Balancer(bed.balancer_host, config_text(bed))


@scenario
def top_shows_calls_a_death_and_a_restart():
    with testbed() as bed:
        balancer = start(bed)
        callees = bed.start_callees(IPV4, CALLEE)
        await_probed(balancer)
        caller = bed.start_caller(IPV4, rate=40, calls=800, extra=["-nr", "-recv_timeout", "2000"])
        with Screen(balancer, 80) as wide, Screen(balancer, 40, locale="C") as narrow:
            for screen in (wide, narrow):
                screen.await_text(r"in [1-9]\S*/s", "drops 0/s", "ledger closes", r"proxies/p1 +up", "q quit")
            wide.await_text("Workers", r"proxies/p2 +up +3\d\.\d% +[1-9]", r"\d+ms", r"200:\d+", "1 All  2 Backends")
            wide.press("2")
            narrow.press("2")
            wide.await_text(r"proxies/p2 +up +\S+ +[1-9]\S* +\S+ +\S+ms +\S+ms")
            callees["p2"].process.signal(signal.SIGKILL)
            await_health(balancer, "p2", "down")
            for screen in (wide, narrow):
                screen.await_text(r"proxies/p2 +dead", seconds=4)
                first = next(line for line in screen.text().splitlines() if line.startswith("proxies/"))
                check(first.startswith("proxies/p2"), f"the dead one is not first:\n{screen.text()}")
            wide.press("9")
            wide.await_text(r"health +proxies/p2 +.*probes in a row failed")
            narrow.read()
            check(all(byte < 0x80 for byte in narrow.raw), "octets beyond ASCII in a C locale")

            # Details, and a smaller screen meanwhile.
            wide.press("2" + DOWN + ENTER)
            wide.await_text(r"every backend of every pool", r"backend +p1", r"requests +\d+ +[1-9]\S*/s")
            wide.resize(40, 12)
            text = wide.await_text(r"backend +p1", r"q quit +h help")
            check(max(len(line) for line in text.splitlines()) <= 40, text)
            wide.resize(80, 24)
            wide.press(ESCAPE)
            wide.await_text(r"proxies/p1 +up", "Left/Right sort")
            wide.press("p")
            wide.await_text("Paused: p goes on")
            def figures():  # and what else is below the time of day
                return wide.text().split("\n", 1)[1]

            before, times = figures(), set()
            wait_until(lambda: times.add(re.search(r"up \S+", narrow.text())[0]) or len(times) > 2, 8,
                       "two more pages on the screen that goes on")
            check_equal(figures(), before, "what is shown while it is paused")
            wide.press("p")
            wait_until(lambda: "Paused" not in wide.text(), 5, "the end of the pause")
            wide.press("h")
            wide.await_text("Shift-Tab", "who leaves which section of the standard")
            wide.press("h1")

            check_stops(balancer)
            for screen in (wide, narrow):
                screen.await_text(r"Gone for \d+s", "proxies/p1")
            again = Balancer(bed.balancer_host, config_text(bed), name="again")
            for screen in (wide, narrow):
                text = screen.await_text(r"Started anew", r"in \S+/s", r"up \d+s")
                check("Gone" not in text, text)
                check(not re.search(r"[ :]-\d", text), f"a negative figure:\n{text}")
            wide.press("q")
            check_equal(wide.process.wait(5), 0, "exit code after q")
            wide.read()
            check(b"\x1b[?1049l" in wide.raw, "the terminal is not given back")
            narrow.process.send_signal(signal.SIGTERM)
            narrow.process.wait(5)
            narrow.read()
            check(b"\x1b[?1049l" in narrow.raw, "the terminal is not given back after SIGTERM")
            check_stops(again)
        caller.process.stop()


@scenario
def top_prints_pages_without_a_terminal():
    with testbed() as bed:
        balancer = start(bed)
        check_calls(bed.start_caller(IPV4, rate=60, calls=30), bed.start_callees(IPV4, CALLEE), 30)
        done = balancer.ctl("top", "-n", "2", "-d", "0.3", "--view", "backends")
        check_equal((done.returncode, done.stderr), (0, ""), "viaductctl top -n 2")
        check_equal(len(re.findall("^viaduct ", done.stdout, re.M)), 2, f"pages in\n{done.stdout}")
        check_equal(len(re.findall("^proxies/p[123] +up", done.stdout, re.M)), 6, f"backends in\n{done.stdout}")
        check("\x1b" not in done.stdout, "escape sequences in a page")
        for arguments, code, sentence in ((("--view", "nothing"), 2, "is no view"), (("-d", "0"), 2, "")):
            done = balancer.ctl("top", "-n", "1", *arguments)
            check_equal(done.returncode, code, f"exit code of top {arguments}")
            check(sentence in done.stderr, done.stderr)
        check_stops(balancer)
        done = balancer.ctl("top", "-n", "1", "-d", "0.1")
        check_equal(done.returncode, 1, "exit code when nobody answers")
        check("Gone for" in done.stdout, done.stdout)
