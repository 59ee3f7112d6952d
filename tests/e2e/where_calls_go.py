"""Which backend each call is at, counted by Call-ID, while backends come and go and viaduct itself is killed."""

import json
import os
import signal
import time

from calls import testbed
from census import Backend, Callers, Census
from churn import churn
from come_and_go import await_health, await_probed, config_text, shares
from harness import check, check_equal, check_ledger, check_stops, drops, scenario
from netlab import wait_until
from sip_hosts import endpoint
from testbed import IPV4, Balancer

EIGHT = {f"p{n}": f"10.78.0.1{n}" for n in range(1, 9)}
NINE = {**EIGHT, "p9": "10.78.0.19"}


class Site:
    """The three-host network with a census on both sides of the balancer."""

    def __init__(self, bed, backends, ring=0.0):
        self.bed = bed
        for name, address in backends.items():
            if name not in IPV4.backends:
                bed.backend_host.add_address("core0", f"{address}/24")
        self.census = Census(ring)
        self.addresses = backends

    def __enter__(self):
        self.census.__enter__()
        self.backends = {name: Backend(self.census, self.bed.backend_host, name, address)
                         for name, address in self.addresses.items()}
        self.callers = Callers(self.census, self.bed.client, IPV4.client, IPV4.outside)
        return self

    def __exit__(self, *exception):
        self.census.__exit__(*exception)

    def survey(self, keys):
        return self.census.survey(self.callers, keys)

    def strays(self):
        with self.census.lock:
            return {name: len(backend.strays) for name, backend in self.backends.items() if backend.strays}


def homes(site):
    """Call-ID -> its backend; every call must have one."""
    found = site.census.homes()
    split = {call_id: names for call_id, names in found.items() if len(names) != 1}
    check_equal(split, {}, "calls whose INVITE reached two backends")
    return {call_id: next(iter(names)) for call_id, names in found.items()}


def spread(keys):
    """Backend -> how many of the keys."""
    counted = {}
    for name in keys.values():
        counted[name] = counted.get(name, 0) + 1
    return counted


def check_all_completed(site, calls):
    failures = site.callers.failures()
    check_equal(failures[:5], [], f"{len(failures)} calls failed, such as")
    check_equal(site.callers.states(), {"completed": calls}, "calls by their end")


def establish(site, calls, rate):
    site.callers.load(rate, calls)
    wait_until(lambda: site.callers.states() == {"talking": calls}, 15, f"{calls} calls talking")


@scenario
def a_dead_backend_moves_its_own_calls_only():
    """LBG-02: one of eight dies under 1,000 calls: none of the others' moves, its own spread over all seven, and all
    are back when it is."""
    with testbed() as bed, Site(bed, EIGHT) as site:
        balancer = Balancer(bed.balancer_host, config_text(bed, backends=EIGHT))
        await_probed(balancer)
        establish(site, 1000, 600)
        home = homes(site)
        keys = list(home) + [f"key{n}" for n in range(7000)]
        before = site.survey(keys)
        check_equal({call: before[call] for call in home}, home, "where new transactions of the calls go")

        site.backends["p3"].kill()
        await_health(balancer, "p3", "down")
        during = site.survey(keys)
        moved = [key for key in keys if before[key] != "p3" and during[key] != before[key]]
        check_equal(len(moved), 0, "keys of the other seven that moved")
        orphans = {key: during[key] for key in keys if before[key] == "p3"}
        share = len(orphans) / 7
        taken = spread(orphans)
        check_equal(sorted(taken), sorted(set(EIGHT) - {"p3"}), "who took the dead one's keys")
        for name, count in taken.items():
            check(abs(count - share) <= 0.3 * share, f"{name} took {count} of {len(orphans)}: {taken}")
        answers = site.callers.ask_all("INFO", list(home))
        wrong = {call: status for call, status in answers.items() if (status == 200) != (home[call] != "p3")}
        check_equal(wrong, {}, "in-dialog requests: 200 from the living, refused for the dead one's")
        print(f"      of 1,000 calls and 7,000 keys {len(moved)} moved that were not the dead one's; its "
              f"{len(orphans)} went to {taken}", flush=True)

        site.backends["p3"].start()
        await_health(balancer, "p3", "up")
        check_equal([key for key, name in site.survey(keys).items() if name != before[key]], [],
                    "keys that are not where they were")
        strays = site.strays()
        answers = site.callers.ask_all("BYE", [call for call, name in home.items() if name != "p3"])
        check_equal(set(answers.values()), {200}, "answers to the BYEs of the living")
        check_equal(site.strays(), strays, "requests of strange dialogs")
        check_equal(site.census.wandered_calls(), {}, "calls that were at two backends")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def a_ninth_backend_takes_a_ninth_and_nothing_else_moves():
    """LBG-02: the share that a dry run predicts is the share that moves, and all of it moves to the newcomer."""
    with testbed() as bed, Site(bed, NINE) as site:
        balancer = Balancer(bed.balancer_host, config_text(bed, backends=EIGHT))
        await_probed(balancer)
        keys = [f"key{n}" for n in range(30000)]
        before = site.survey(keys)
        with open(balancer.config_path, "a", encoding="utf-8") as file:
            file.write(f'\n[[pool.backend]]\nname    = "p9"\naddress = "{endpoint(NINE["p9"])}"\n')
        done = balancer.ctl("reload", "--dry-run", "--json")
        check_equal(done.returncode, 0, f"exit code of reload --dry-run: {done.stderr}")
        predicted = json.loads(done.stdout)["moves"][0]["new_calls_that_move_percent"]
        check_equal(sorted(shares(balancer)), sorted(EIGHT), "backends after a dry run")
        check_equal(balancer.ctl("reload").returncode, 0, "exit code of reload")
        wait_until(lambda: shares(balancer).get("p9", 0) > 0, 8, "p9 taking calls")
        after = site.survey(keys)
        moved = {key: name for key, name in after.items() if name != before[key]}
        measured = 100 * len(moved) / len(keys)
        print(f"      predicted {predicted:.2f} %, measured {measured:.2f} %, to {spread(moved)}", flush=True)
        check_equal(set(moved.values()), {"p9"}, "where keys moved")
        check(abs(measured - 100 / 9) <= 1.5, f"{measured:.2f} % moved, expected {100 / 9:.2f} %")
        check(abs(measured - predicted) <= 0.5, f"{measured:.2f} % moved, predicted were {predicted:.2f} %")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def a_drain_counted_call_by_call():
    """LBG-08: 200 calls/s; a second after the drain p2 gets no new call; every BYE of its dialogs reaches it."""
    with testbed() as bed, Site(bed, dict(IPV4.backends), ring=0.1) as site:
        balancer = bed.start_balancer(IPV4)
        site.callers.load(200, 900, hold=1.0)
        wait_until(lambda: len(site.census.homes()) > 300, 10, "300 calls")
        check_equal(balancer.ctl("backend", "drain", "proxies/p2").returncode, 0, "exit code of backend drain")
        drained = time.monotonic()
        site.callers.finish()
        check_all_completed(site, 900)
        at = {"before": 0, "within a second": 0, "later": 0}
        for arrival in site.census.of("INVITE"):
            if arrival.backend == "p2":
                after = arrival.at - drained
                at["before" if after < 0 else "within a second" if after < 1 else "later"] += 1
        home = homes(site)
        byes = {arrival.call_id: arrival.backend for arrival in site.census.of("BYE")}
        ended = sum(1 for arrival in site.census.of("BYE") if arrival.backend == "p2" and arrival.at > drained)
        print(f"      INVITEs at p2: {at}; BYEs there after the drain: {ended}", flush=True)
        check(at["before"] > 50 and ended > 30, f"too little to show: {at}, {ended} BYEs")
        check_equal(at["later"], 0, "new calls at p2 a second after the drain")
        check_equal(byes, home, "backends of the BYEs")
        check_equal(site.strays(), {}, "requests of strange dialogs")
        check_equal(site.census.wandered_calls(), {}, "calls that were at two backends")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def reload_in_a_loop_loses_no_call():
    """LBG-01, LBG-03: every 100 ms another file under 100 calls/s, each INVITE thrice, every fifth call cancelled: no
    call fails, no transaction has two backends, nothing grows. `scripts/churn` does it for a minute."""
    with testbed() as bed:
        figures, balancer = churn(bed, 8)
        print(f"      {json.dumps(figures)}", flush=True)
        check_equal((figures["failed"], figures["failures"]), (0, []), "calls failed")
        check_equal(figures["completed"], figures["calls"], "calls completed")
        for name in ("split_transactions", "wandered_calls", "strays"):
            check_equal(figures[name], 0, name)
        check(figures["calls"] >= 750 and figures["reloads"] >= 30, f"too little to show: {figures}")
        check(figures["rss_growth_kib"] < 2048, f"resident memory grew by {figures['rss_growth_kib']} KiB")
        check_ledger(balancer)
        check_stops(balancer)


@scenario
def killed_within_calls_viaduct_carries_on():
    """LBG-17: kill -9 and a restart, half of the calls ringing and half talking: late answers are forwarded, and BYEs
    reach their backends."""
    with testbed() as bed, Site(bed, dict(IPV4.backends)) as site:
        first = bed.start_balancer(IPV4)
        establish(site, 150, 300)
        with site.census.lock:
            site.census.ring = None
        site.callers.load(300, 150, prefix="ringing", hold=0.5)
        wait_until(lambda: site.callers.states() == {"talking": 150, "ringing": 150}, 10, "150 calls ringing")
        first.process.signal(signal.SIGKILL)
        check_equal(first.process.wait(5), -signal.SIGKILL, "the end of the first process")
        os.unlink(first.socket_path)  # else the second would seem ready at once
        with site.census.lock:
            for call in site.callers.calls.values():
                call.hang_up()  # while nobody forwards
            for backend in site.backends.values():
                for branch in list(backend.unanswered):
                    backend.answer(branch)
        second = bed.start_balancer(IPV4)
        site.callers.finish()
        check_all_completed(site, 300)
        home = homes(site)
        check_equal({arrival.call_id: arrival.backend for arrival in site.census.of("BYE")}, home,
                    "backends of the BYEs")
        check_equal({arrival.call_id: arrival.backend for arrival in site.census.of("ACK")}, home,
                    "backends of the ACKs")
        check_equal(site.strays(), {}, "requests of strange dialogs")
        stat = second.show("stat")["ledger"]
        check(stat["forwarded"] > 150, f"the second process forwarded too little: {stat}")
        check_ledger(second)
        check_stops(second)


@scenario
def a_rotation_of_the_secret_is_not_noticed():
    """TXN-19, LOC-06, RRT-11: by the manual's steps under 100 calls/s; the last step says first what it will move."""
    with testbed() as bed, Site(bed, dict(IPV4.backends), ring=0.2) as site:
        balancer = bed.start_balancer(IPV4)
        former, fresh = bed.lab.path("secret"), bed.lab.path("secret.new")
        with open(fresh, "w", encoding="utf-8") as file:
            file.write("ffeeddccbbaa99887766554433221100" * 2 + "\n")
        os.chmod(fresh, 0o600)
        with open(balancer.config_path, encoding="utf-8") as file:
            text = file.read()
        line = f'secret_file  = "{former}"\n'
        check(line in text, "no secret_file in the configuration as expected")

        def reload(signs, *verifies, dry_run=False):
            old = ", ".join(f'"{path}"' for path in verifies)
            with open(balancer.config_path, "w", encoding="utf-8") as file:
                file.write(text.replace(line, f'secret_file = "{signs}"\nold_secret_files = [{old}]\n'))
            done = balancer.ctl("reload", "--json", *(["--dry-run"] if dry_run else []))
            check_equal(done.returncode, 0, f"exit code of reload: {done.stderr}")
            return json.loads(done.stdout)["moves"]

        site.callers.load(100, 350, hold=1.0, copies=(0.1,), cancel_every=5)
        wait_until(lambda: len(site.census.homes()) > 100, 10, "100 calls")
        check_equal(reload(former, fresh, former), [], "pools that move when the new one is verified")
        wait_until(lambda: len(site.census.homes()) > 200, 10, "200 calls")
        check_equal(reload(fresh, former), [], "pools that move when the new one signs")
        site.callers.finish()
        check_all_completed(site, 350)
        check_equal(site.census.split_transactions(), {}, "transactions at two backends")
        check_equal(site.census.wandered_calls(), {}, "calls that were at two backends")
        check_equal(site.strays(), {}, "requests of strange dialogs")
        check_equal(drops(balancer).get("via_mac_bad", 0), 0, "responses that did not verify")
        share = reload(fresh, dry_run=True)[0]["new_calls_that_move_percent"]
        check(abs(share - 200 / 3) < 2, f"without the former one {share} % of the calls move")
        check_ledger(balancer)
        check_stops(balancer)
