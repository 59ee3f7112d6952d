"""A fixed run, told by everybody: the generator, the ledger, metrics, DPDK's telemetry, the dashboard."""

import os
import types

from blast_calls import RATE, SECONDS, check_all_well
from blast_lab import IDLE, Blast, memif_arguments, memif_balancer_config
from browser import Browser
from calls import root_or_skip
from dashboard import PAGE, shown_numbers
from harness import Skip, check_equal, check_ledger, check_stops, scenario
from netlab import Lab, wait_until
from observing import check_metrics_agree, start_serving
from telemetry import Telemetry, settled
from testbed import IPV4, Balancer


@scenario
def everybody_tells_the_same_figures():
    root_or_skip()
    if len(os.sched_getaffinity(0)) < 2:
        raise Skip("needs two cores")
    with Lab("vd-e2e") as lab:
        host = lab.add_host("balancer")
        directory = lab.path("run")
        os.makedirs(directory)
        config = memif_balancer_config(lab).replace("[runtime]\n", "[runtime]\ndpdk_telemetry = true\n", 1)
        balancer = Balancer(host, config, launcher=("env", f"RUNTIME_DIRECTORY={directory}"))
        start_serving(types.SimpleNamespace(lab=lab, balancer_host=host), balancer)
        with Browser(host) as browser:
            browser.open(PAGE)
            browser.await_text("#status", "Live", 15)
            code, figures = Blast(host, "blast", *memif_arguments(lab, IPV4), "--rate", str(RATE), "--duration",
                                  str(SECONDS), "--scenario", "mixed", *IDLE).finish()
            check_all_well(code, figures, RATE * SECONDS)
            ledger, stat = check_ledger(balancer), balancer.show("stat")
            near, far = figures["ports"]
            check_equal(ledger["received"], near["sent"] + far["sent"], "what viablast sent, against the ledger")
            check_equal(ledger["forwarded"], near["received"] + far["received"], "what it got, against the ledger")
            check_equal(stat["requests_forwarded"], far["received"], "requests that its callee got")
            check_equal(stat["responses_forwarded"], near["received"], "responses that its caller got")
            check_equal(sum(row["requests"] for row in balancer.show("backends")["backends"]),
                        stat["requests_forwarded"], "requests over all backends")

            check_metrics_agree(host, balancer)

            telemetry = Telemetry(os.path.join(directory, "dpdk", "viaduct", "dpdk_telemetry.v2"))
            settled(telemetry, balancer)
            answered = telemetry.ask("/viaduct/stat")
            for term in ("received", "generated", "forwarded", "replied", "absorbed", "punted", "dropped"):
                check_equal(answered[term], ledger[term], f"{term} by DPDK's telemetry")
            for row in balancer.show("backends")["backends"]:
                name = f"{row['pool']}/{row['backend']}"
                check_equal(telemetry.ask(f"/viaduct/backends,{name}")[name]["requests"], row["requests"],
                            f"requests of {name} by DPDK's telemetry")
            telemetry.close()

            wanted = {"requests": stat["requests_forwarded"], "responses": stat["responses_forwarded"],
                      "replies": ledger["replied"], "drops": ledger["dropped"]}
            wait_until(lambda: shown_numbers(browser) == wanted, 5, f"{wanted} on the dashboard")
        check_stops(balancer)
