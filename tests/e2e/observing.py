"""Seeing it from outside: csv and events over the socket, metrics over HTTP, a real Prometheus, and that all agree."""

import csv
import io
import json
import os
import pwd
import shutil
import socket
import subprocess
import time

from harness import Skip, check, check_calls, check_equal, check_ledger, check_stops, drops, scenario
from lab_http import SERVE_PORT as PORT, get
from netlab import wait_until
from privileges import check_shed, thread_status
from testbed import IPV4, Testbed, program

PROMETHEUS_PORT = 9090


def samples(text):
    """`name{labels}` -> value."""
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
            for line in text.splitlines() if line and not line.startswith("#")}


def start_serving(bed, balancer, *options):
    # It becomes nobody with the socket's group, and needs the way to the socket.
    os.chmod(bed.lab.directory, 0o711)
    host = bed.balancer_host
    process = host.start("serve", program("viaductctl"), "--socket", balancer.socket_path, "serve", "--listen",
                         f"127.0.0.1:{PORT}", *options)

    def serving():
        check(process.running(), f"viaductctl serve ended: {process.output()}")
        return "serving on" in process.output()

    wait_until(serving, 10, "viaductctl serve")
    return process


def some_calls(bed, balancer, calls=60):
    callees = bed.start_callees(IPV4)
    check_calls(bed.start_caller(IPV4, rate=60, calls=calls), callees, calls)
    return check_ledger(balancer)


def check_metrics_agree(host, balancer):
    """Once it is quiet, metrics are the ledger, reason by reason and backend by backend. Kernels talk when they like, so
    that it may take more than one look; the text that agreed."""
    for attempts_left in reversed(range(5)):
        text = get(host, "/metrics")[2]
        try:
            compare_metrics(samples(text), balancer)
            return text
        except AssertionError:
            if attempts_left == 0:
                raise
            time.sleep(0.2)


def compare_metrics(got, balancer):
    stat = balancer.show("stat")
    for term in ("received", "generated", "forwarded", "replied", "absorbed", "punted", "dropped"):
        counted = sum(value for name, value in got.items()
                      if name.startswith("viaduct_messages_total{") and f'term="{term}"' in name)
        check_equal(counted, stat["ledger"][term], f"messages {term}")
    for reason, messages in drops(balancer).items():
        name = next(name for name in got if name.startswith(f'viaduct_unforwarded_messages_total{{reason="{reason}"'))
        check_equal(got[name], messages, name)
    for row in balancer.show("backends")["backends"]:
        labels = f'{{pool="{row["pool"]}",backend="{row["backend"]}"}}'
        check_equal(got[f"viaduct_backend_requests_total{labels}"], row["requests"], f"requests of {row['backend']}")
        check_equal(got[f"viaduct_backend_healthy{labels}"], 1.0, f"health of {row['backend']}")


def check_without_privileges(process):
    check_shed(process, pwd.getpwnam("nobody").pw_uid)
    for fields in thread_status(process).values():
        check_equal(len(fields["Groups"].split()), 1, "groups")


@scenario
def metrics_agree_with_the_ledger():
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        process = start_serving(bed, balancer)
        some_calls(bed, balancer)
        host = bed.balancer_host
        status, headers, text = get(host, "/metrics")
        check_equal(status, 200, "/metrics")
        check("text/plain" in headers["Content-Type"], headers["Content-Type"])
        text = check_metrics_agree(host, balancer)
        promtool = shutil.which("promtool")
        if promtool:
            done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
            check_equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool check metrics")
        status, headers, text = get(host, "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
        check("application/openmetrics-text" in headers["Content-Type"], headers["Content-Type"])
        check(text.endswith("# EOF\n") and "# UNIT viaduct_uptime_seconds seconds" in text, "OpenMetrics it is not")
        check_without_privileges(process)

        check_equal(get(host, "/healthz")[::2], (200, "ok\n"), "/healthz")
        check_equal(json.loads(get(host, "/api/stat")[2])["ledger"], balancer.show("stat")["ledger"], "/api/stat")
        check_equal(json.loads(get(host, "/api/events?since=0")[2])["command"], "events", "/api/events")
        for path, method, wanted in (("/nothing", "GET", 404), ("/api/nothing", "GET", 404), ("/metrics", "POST", 405),
                                     ("/api/stat?x=%0a", "GET", 400), ("/api/stat?what=ever", "GET", 400)):
            status, _, text = get(host, path, method=method)
            check_equal(status, wanted, f"{method} {path}")
            check("error" in json.loads(text), f"{method} {path} is answered with {text!r}")
        check_stops(balancer)
        status, _, text = get(host, "/healthz")
        check(status == 503 and "is viaduct running" in text, f"/healthz without a balancer: {status} {text!r}")
        check_equal(samples(get(host, "/metrics")[2])["viaduct_up"], 0.0, "viaduct_up without a balancer")
        check_equal(process.stop(), 0, "exit code of viaductctl serve")


@scenario
def readiness_is_links_and_backends():
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        process = start_serving(bed, balancer)
        host = bed.balancer_host

        def says(status, text):
            wait_until(lambda: get(host, "/readyz")[::2] == (status, text), 5, f"/readyz to say {status} {text!r}")

        says(200, "ready\n")
        bed.client.configure("link", "set", "edge0", "down")
        says(503, "port edge has no link\n")
        check_equal(get(host, "/healthz")[0], 200, "/healthz")
        bed.client.configure("link", "set", "edge0", "up")
        says(200, "ready\n")
        for name in IPV4.backends:
            check_equal(balancer.ctl("backend", "down", f"proxies/{name}").returncode, 0, "exit code of backend down")
        says(503, "pool proxies has no usable backend\n")
        balancer.ctl("backend", "up", "proxies/p1")
        says(200, "ready\n")
        check_stops(balancer)
        check_equal(get(host, "/readyz")[0], 503, "/readyz without a balancer")
        check_equal(process.stop(), 0, "exit code of viaductctl serve")


@scenario
def slow_and_many_http_clients_are_bounded():
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        process = start_serving(bed, balancer)
        host = bed.balancer_host
        held = []
        for _ in range(60):  # 4 are served, 32 wait, the others are refused
            client = host.socket(socket.AF_INET, socket.SOCK_STREAM)
            client.settimeout(10)
            client.connect(("127.0.0.1", PORT))
            client.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
            held.append(client)
        refused = held[-1].recv(4096)
        check(refused.startswith(b"HTTP/1.1 503"), f"the 60th connection got {refused!r}")
        for client in held:
            client.close()
        wait_until(lambda: get(host, "/healthz")[0] == 200, 15, "places that come back")

        endless = host.socket(socket.AF_INET, socket.SOCK_STREAM)
        endless.settimeout(10)
        endless.connect(("127.0.0.1", PORT))
        try:
            endless.sendall(b"GET / HTTP/1.1\r\n" + b"X-Filler: 0123456789\r\n" * 4000)
            cut = endless.recv(4096)
            check(cut == b"" or b" 4" in cut[:16], f"endless headers got {cut!r}")
        except (ConnectionResetError, BrokenPipeError):
            pass
        endless.close()
        check(process.running() and get(host, "/healthz")[0] == 200, "it does not serve any more")
        check_stops(balancer)


@scenario
def prometheus_scrapes_what_the_ledger_says():
    prometheus = shutil.which("prometheus")
    if not prometheus:
        raise Skip("there is no Prometheus on this machine; scripts/setup installs it")
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        start_serving(bed, balancer)
        host = bed.balancer_host
        config = bed.lab.path("prometheus.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n  - job_name: viaduct\n"
                       f"    static_configs: [{{targets: ['127.0.0.1:{PORT}']}}]\n")
        process = host.start("prometheus", prometheus, f"--config.file={config}",
                             f"--storage.tsdb.path={bed.lab.path('tsdb')}",
                             f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}")
        ledger = some_calls(bed, balancer)

        def asked(expression):
            path = "/api/v1/query?query=" + expression.replace("{", "%7B").replace("}", "%7D").replace('"', "%22")
            result = json.loads(get(host, path, PROMETHEUS_PORT)[2])["data"]["result"]
            return float(result[0]["value"][1]) if result else None

        def scraped():
            check(process.running(), f"Prometheus ended: {process.output()[-1000:]}")
            try:
                return asked('sum(viaduct_messages_total{term="received"})') == balancer.show("stat")["ledger"]["received"]
            except (OSError, ValueError, KeyError):
                return False

        wait_until(scraped, 30, "Prometheus's figures to be the ledger's")
        check_equal(asked('sum(viaduct_messages_total{term="forwarded"})'), ledger["forwarded"], "forwarded")
        check_equal(asked("sum(viaduct_backend_requests_total)"),
                    sum(row["requests"] for row in balancer.show("backends")["backends"]), "requests to backends")
        check_equal(asked('up{job="viaduct"}'), 1.0, "up")
        check_stops(balancer)


@scenario
def the_socket_speaks_csv_and_tells_events_as_they_come():
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        some_calls(bed, balancer)
        rows = list(csv.DictReader(io.StringIO(balancer.ctl("backends", "--csv").stdout)))
        check_equal({row["backend"]: int(row["requests"]) for row in rows},
                    {row["backend"]: row["requests"] for row in balancer.show("backends")["backends"]}, "csv of backends")
        check_equal(balancer.ctl("workers", "--csv", "--table", "burst_sizes").stdout.splitlines()[0][:12],
                    "worker,1,2-3", "csv of burst sizes")

        follower = bed.balancer_host.start("follow", program("viaductctl"), "--socket", balancer.socket_path, "events",
                                           "--follow", "--json")
        reloads = bed.balancer_host.start("follow-reloads", program("viaductctl"), "--socket", balancer.socket_path,
                                          "events", "--follow", "--json", "--kind", "reload")
        wait_until(lambda: balancer.show("info")["socket"]["followers"] == 2, 5, "two followers")
        check_equal(balancer.ctl("backend", "drain", "proxies/p2").returncode, 0, "drain")
        check_equal(balancer.ctl("ban", "add", "192.0.2.7", "60s").returncode, 0, "ban")
        check_equal(balancer.ctl("reload").returncode, 0, "reload")

        def told():
            events = [json.loads(line) for line in follower.output().splitlines()]
            subjects = [event["subject"] for event in events]
            return events if "proxies/p2" in subjects and "192.0.2.7/32" in subjects and \
                any(event["kind"] == "reload" for event in events) else None

        events = wait_until(told, 5, f"three events at the follower: {follower.output()}")
        numbers = [event["number"] for event in events]
        check_equal(numbers, list(range(numbers[0], numbers[0] + len(numbers))), "numbers of events")
        wait_until(lambda: [json.loads(line) for line in reloads.output().splitlines()] ==
                   [event for event in events if event["kind"] == "reload"], 5, "the reload alone, and the same")

        before = balancer.show("stat")
        done = balancer.ctl("reset")
        check(done.returncode == 0 and "ledger" in done.stdout, done.stdout + done.stderr)
        after = balancer.show("stat")
        check_equal(after["since_reset"]["forwarded"], 0, "forwarded since the reset")
        check(after["ledger"]["forwarded"] >= before["ledger"]["forwarded"] > 0, "the reset touched the ledger")
        settings = {(row["section"], row["setting"]): row["value"] for row in balancer.show("config")["config"]}
        check_equal(settings[("pool proxies", "key")], "call-id", "a setting in show config")
        check("00112233445566778899" not in balancer.ctl("config").stdout, "show config tells the secret")
        for level, wanted in (("debug", 0), ("loud", 2)):
            check_equal(balancer.ctl("log", "level", level).returncode, wanted, f"log level {level}")
        check_stops(balancer)


@scenario
def sixty_four_clients_of_the_socket_and_not_one_more():
    with Testbed("vdo") as bed:
        balancer = bed.start_balancer(IPV4)
        clients = []
        for _ in range(64):
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            client.settimeout(5)
            client.connect(balancer.socket_path)
            clients.append(client)
        for client in clients:
            client.sendall(b"show info json\n")
        for client in clients:
            check(b'"schema":1' in client.recv(65536), "one of 64 clients has no answer")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as late:
            late.settimeout(5)
            late.connect(balancer.socket_path)
            check_equal(late.recv(4096).decode(), "error: too many clients on the control socket; try again later\n\n",
                        "the 65th client gets")
        for client in clients:
            client.close()
        wait_until(lambda: balancer.try_show("info"), 5, "places that come back")
        counts = balancer.show("info")["socket"]
        check(counts["refused"] >= 1 and counts["accepted"] >= 65, f"counts of the socket: {counts}")
        check_stops(balancer)
