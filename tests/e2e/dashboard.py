"""The dashboard, as a real browser shows it; orders with a token and without; Grafana's and Prometheus's files."""

import json
import os
import re
import shutil
import signal
import subprocess

from browser import Browser, browser_program
from calls import testbed
from come_and_go import CALLEE, await_health, await_probed, config_text
from harness import ROOT, Peer, Skip, check, check_calls, check_equal, check_ledger, check_stops, scenario
from lab_http import SERVE_PORT as PORT, get
from netlab import wait_until
from observing import samples, start_serving
from testbed import IPV4, Balancer, balancer_config, build_directory

TOKEN = "0123456789abcdef0123"
PAGE = f"http://127.0.0.1:{PORT}/"
PICTURES = os.path.join(build_directory(), "test-results", "dashboard")
LIMITS = """
[[limit]]
name   = "per-source"
by     = "source"
rate   = "1000/s"
action = "503"
"""


def start(bed):
    """Probes, a limit, and a dashboard that may give orders."""
    bed.settle(IPV4)
    balancer = Balancer(bed.balancer_host, config_text(bed) + LIMITS)
    token = bed.lab.path("token")
    with open(token, "w", encoding="ascii") as file:
        file.write(TOKEN + "\n")
    os.chmod(token, 0o600)
    return balancer, start_serving(bed, balancer, "--allow-control", "--token-file", token)


def order(host, path, token=None, method="POST"):
    headers = {"Content-Length": "0"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    status, _, text = get(host, path, method=method, headers=headers)
    return status, json.loads(text)


def row(key):
    return f'tr[data-key="{key}"]'


def shown_numbers(browser):
    """The totals of the tiles, by kind."""
    kinds = ("requests", "responses", "replies", "drops")
    return {kind: int(re.sub(r"\D", "", browser.text(f"#tiles .{kind} .total"))) for kind in kinds}


def look(browser, name):
    """Pictures in the results' folder, at a desk and on a phone; on neither anything is wider than the screen."""
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        browser.resize(width, 900)
        browser.prefer(scheme)
        wait_until(lambda: browser.evaluate("document.querySelector('#chart svg').viewBox.baseVal.width") < width, 3,
                   "a chart of the new width")
        check_equal(browser.evaluate("document.documentElement.scrollWidth"), width, f"width of the page at {width}")
        browser.screenshot(os.path.join(PICTURES, f"{name}-{width}-{scheme}.png"))
    browser.resize(1280, 900)


def check_rates_and_totals(bed, browser, balancer):
    """While calls go, rates; when they are done, the ledger's figures."""
    caller = bed.start_caller(IPV4, rate=30, calls=90)
    browser.await_text("#tiles .requests dd", lambda text: re.match(r"[1-9]", text))
    browser.await_text(row("proxies/p1") + " td:nth-child(4)", lambda text: re.match(r"[1-9]", text))
    wait_until(lambda: not caller.process.running(), 40, "the calls' end")
    with Peer(bed.client, IPV4.client, 5099) as peer:
        for _ in range(5):
            peer.send("this is no SIP\n\n", IPV4.outside)
    wait_until(lambda: shown_numbers(browser)["drops"] >= 5, 5, "drops")
    browser.await_text("#drops", "unanswerable_request")
    ledger, stat = check_ledger(balancer), balancer.show("stat")
    wait_until(lambda: shown_numbers(browser) == {
        "requests": stat["requests_forwarded"], "responses": stat["responses_forwarded"],
        "replies": ledger["replied"], "drops": ledger["dropped"]}, 5, "the ledger's figures")
    browser.await_text(row("proxies/p1") + " td:nth-child(6)", "ms")
    browser.await_text(row("proxies/p1") + " td:nth-child(8)", "200 ")


def check_orders(browser, balancer):
    """Buttons: not without a token, not with a wrong one."""
    button = row("proxies/p3") + " button"
    check(browser.evaluate(f"document.querySelector('{button}').disabled"), "a button without a token can be pressed")
    for token, wanted in (("wrong" * 5, "up"), (TOKEN, "drain")):
        browser.evaluate(f"document.querySelector('#token').value = '{token}'")
        wait_until(lambda: not browser.evaluate(f"document.querySelector('{button}').disabled"), 5, "a button to press")
        browser.evaluate("document.querySelector('#told').textContent = ''")
        browser.evaluate(f"document.querySelector('{button}').click()")
        browser.await_text("#told", lambda text: text != "", 5)
        state = next(each["state"] for each in balancer.show("backends")["backends"] if each["backend"] == "p3")
        check_equal(state, wanted, f"state of p3; the page says {browser.text('#told')!r}")
    browser.await_text(row("proxies/p3") + " .pill", "drain", 5)
    browser.await_text(button, "up", 5)


@scenario
def the_dashboard_shows_calls_a_death_and_the_end():
    browser_program()
    with testbed() as bed:
        balancer, _ = start(bed)
        callees = bed.start_callees(IPV4, CALLEE)
        await_probed(balancer)
        with Browser(bed.balancer_host) as browser:
            browser.open(PAGE)
            browser.await_text("#status", "Live", 15)
            check_equal(browser.evaluate("document.querySelectorAll('#backends tbody tr[data-key]').length"), 3, "backends")
            check_rates_and_totals(bed, browser, balancer)
            callees["p2"].process.signal(signal.SIGKILL)
            await_health(balancer, "p2", "down")
            browser.await_text(row("proxies/p2") + " .pill", "dead", 5)
            browser.await_text("#events", "probes in a row failed", 5)
            check_orders(browser, balancer)
            look(browser, "live")
            check_stops(balancer)
            browser.await_text("#status", "Gone since", 5)
            look(browser, "gone")
            check_equal(browser.complaints, [], "what Chromium complains about")


@scenario
def the_dashboard_says_how_many_backends_it_does_not_show():
    browser_program()
    with testbed() as bed:
        bed.settle(IPV4)
        many = {f"b{number}": f"10.78.0.{number}" for number in range(100, 230)}
        balancer = Balancer(bed.balancer_host, balancer_config(IPV4, bed.lab.directory, backends=many))
        start_serving(bed, balancer)
        with Browser(bed.balancer_host) as browser:
            browser.open(PAGE)
            browser.await_text("#status", "Live", 15)
            browser.await_text("#backends tfoot", "30 more are not shown here.", 5)
            check_equal(browser.evaluate("document.querySelectorAll('#backends tbody tr[data-key]').length"), 100, "rows")
            check_equal(browser.evaluate("document.querySelector('#workers tfoot').hidden"), True, "the foot of a table that is whole")
            check_equal(browser.complaints, [], "what Chromium complains about")
        check_stops(balancer)


@scenario
def orders_over_http_need_the_token():
    with testbed() as bed:
        balancer, process = start(bed)
        host = bed.balancer_host
        drain = "/control/drain/proxies/p2"
        for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "0"):
            check_equal(order(host, drain, token)[0], 403, f"status with the token {token!r}")
        check_equal(order(host, drain, TOKEN, "GET")[0], 405, "status of GET")
        check_equal(order(host, "/control/drain/proxies/p9", TOKEN)[0], 400, "status for an unknown backend")
        for path in ("/control/reload", "/control/weight/proxies/p2", "/control/drain/proxies/p2%0areload"):
            check_equal(order(host, path, TOKEN)[0], 404, f"status of {path}")
        states = {each["backend"]: each["state"] for each in balancer.show("backends")["backends"]}
        check_equal(states, {"p1": "up", "p2": "up", "p3": "up"}, "states after all that")
        for action, wanted in (("drain", "drain"), ("up", "up")):
            status, answer = order(host, f"/control/{action}/proxies/p2", TOKEN)
            check(status == 200 and "p2" in answer["done"], f"{action}: {status} {answer}")
            rows = json.loads(get(host, "/dashboard.json")[2])["backends"]["backends"]
            check_equal([each["state"] for each in rows if each["backend"] == "p2"], [wanted], f"shown after {action}")
        for name, wanted in (("evil.example", 403), (f"evil.example:{PORT}", 403), (f"localhost:{PORT}", 200)):
            check_equal(get(host, "/api/stat", headers={"Host": name})[0], wanted, f"status when it is asked as {name}")
        process.stop()

        start_serving(bed, balancer, "--host", "evil.example")
        check_equal(get(host, "/api/stat", headers={"Host": "evil.example"})[0], 200, "status by a name that was said")
        check_equal(order(host, drain, TOKEN)[0], 403, "status without --allow-control")
        check_equal(json.loads(get(host, "/dashboard.json")[2])["control"], False, "control, as the page is told")
        status, headers, _ = get(host, "/")
        check_equal(status, 200, "/")
        check("default-src 'self'" in headers["Content-Security-Policy"], headers["Content-Security-Policy"])
        check_stops(balancer)


def names_in(expression):
    return set(re.findall(r"\bviaduct_[a-z0-9_]+", expression))


def expressions_of_grafana(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions_of_grafana(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions_of_grafana(value)


@scenario
def grafana_and_alerts_name_metrics_that_there_are():
    alerts = os.path.join(ROOT, "config", "prometheus", "alerts.yml")
    with open(os.path.join(ROOT, "config", "grafana", "viaduct.json"), encoding="utf-8") as file:
        named = {"viaduct.json": set().union(*map(names_in, expressions_of_grafana(json.load(file))))}
    with open(alerts, encoding="utf-8") as file:
        named["alerts.yml"] = names_in(file.read())
    with testbed() as bed:
        balancer = Balancer(bed.balancer_host, config_text(bed) + LIMITS)
        start_serving(bed, balancer)
        check_calls(bed.start_caller(IPV4, rate=60, calls=30), bed.start_callees(IPV4, CALLEE), 30)
        there = {name.split("{")[0] for name in samples(get(bed.balancer_host, "/metrics")[2])}
        for name, names in named.items():
            check(len(names) > 5, f"{name} names {names}")
            check_equal(sorted(names - there), [], f"metrics in {name} that nobody prints")
        check_stops(balancer)
    promtool = shutil.which("promtool")
    if not promtool:
        raise Skip("there is no promtool on this machine; scripts/setup installs it")
    for arguments in (["check", "rules", alerts], ["test", "rules", alerts.replace("alerts.yml", "alerts_test.yml")]):
        done = subprocess.run([promtool, *arguments], capture_output=True, text=True)
        check(done.returncode == 0, f"promtool {' '.join(arguments)}: {done.stdout}{done.stderr}")
