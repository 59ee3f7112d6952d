"""A real headless Chromium on a lab host, driven over its debugging pipe: no port, no package but Chromium's own."""

import base64
import json
import os
import select
import shutil
import time

from harness import Skip, check
from netlab import wait_until


def browser_program():
    found = shutil.which("chromium")
    if not found:
        raise Skip("there is no Chromium on this machine; scripts/setup installs it")
    return found


class Browser:
    """One page. Messages are JSON with a NUL behind each, through two FIFOs that are its file descriptors 3 and 4."""

    def __init__(self, host, width=1280, height=1600):
        lab = host.lab
        pipes = [lab.path("browser.commands"), lab.path("browser.answers")]
        for path in pipes:
            os.mkfifo(path)
        # A sandbox within a lab's namespace would need namespaces of its own; what is shown is ours.
        arguments = [browser_program(), "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking",
                     "--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars",
                     f"--user-data-dir={lab.path('browser-data')}", "about:blank"]
        self.process = host.start("browser", "sh", "-c", 'in=$1 out=$2; shift 2; exec "$@" 3<"$in" 4>"$out"', "sh",
                                  *pipes, *arguments)
        # Read and write: opening does not wait for the other side.
        self.input, self.output = (os.open(path, os.O_RDWR) for path in pipes)
        self.buffer = b""
        self.number = 0
        self.session = None
        self.complaints = []  # of the page: exceptions, and what its Content-Security-Policy forbade
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stop()
        os.close(self.input)
        os.close(self.output)

    def call(self, method, seconds=15, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.input, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            answer = self.next_message(deadline, method)
            if answer.get("id") == self.number:
                check("error" not in answer, f"{method}: {answer.get('error')}")
                return answer["result"]
            if answer.get("method") == "Runtime.exceptionThrown":
                details = answer["params"]["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description") or details["text"])
            elif answer.get("method") == "Log.entryAdded":
                entry = answer["params"]["entry"]
                # A balancer that is gone is no mistake of the page, and hints are no complaints.
                if entry["source"] != "network" and entry["level"] in ("warning", "error"):
                    self.complaints.append(entry["text"])

    def next_message(self, deadline, method):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            check(self.process.running(), f"Chromium ended: {self.process.output()[-1000:]}")
            check(left > 0, f"Chromium does not answer {method}: {self.process.output()[-1000:]}")
            if select.select([self.output], [], [], min(left, 0.5))[0]:
                self.buffer += os.read(self.output, 1 << 20)
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)

    def prefer(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        self.call("Page.navigate", url=url)
        wait_until(lambda: self.evaluate("document.readyState") == "complete", 15, f"{url} in Chromium")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        check("exceptionDetails" not in answer, f"{expression}: {answer.get('exceptionDetails')}")
        return answer["result"].get("value")

    def text(self, selector):
        """What is written there, or None."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def await_text(self, selector, wanted, seconds=10):
        """`wanted`: a part of the text, or a predicate."""
        told = wanted if callable(wanted) else lambda text: wanted in text
        wait_until(lambda: told(self.text(selector) or ""), seconds,
                   f"{selector} to tell {wanted}, not {self.text(selector)!r}")

    def screenshot(self, path):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                         clip={"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1})
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
