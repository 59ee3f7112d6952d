// The dashboard: asks once a second, and shows it.
import {Chart} from "./chart.js";
import {Table, duration, element, milliseconds, percent, short} from "./panels.js";
import {Rates, counters} from "./rates.js";

const PERIOD_MS = 1000;
const PATIENCE_MS = 4000;
const KINDS = {requests: "Requests forwarded", responses: "Responses forwarded", replies: "Replies of our own",
  drops: "Drops"};
const EVENTS_SHOWN = 30, ROWS_SHOWN = 100, CODES_SHOWN = 6;

const at = (id) => document.getElementById(id);
const number = (title, width, label) => ({title, width, label, class: "number third"});

const tables = {
  latency: new Table(at("latency"), [
    {title: "Backend", class: "wide head", label: ""}, {title: "Method", width: "w2", class: "third"},
    number("Requests", "w2"), number("Unanswered", "w2"), number("First, p50", "w2"), number("First, p99", "w2"),
    number("Final, p50", "w2"), number("Final, p99", "w2")], "Nothing has been answered yet."),
  workers: new Table(at("workers"), [
    {title: "Worker", width: "w1", class: "third"}, {title: "Busy", class: "third"}, number("Messages/s", "w2"),
    number("Cycles each", "w2")], "No workers."),
  limits: new Table(at("limits"), [
    {title: "Limit or rule", class: "head wide", label: ""}, {title: "Mode", width: "w2", class: "third"},
    number("Asked/s", "w1"), number("Over/s", "w1"), number("Over, total", "w2")], "None are configured."),
  drops: new Table(at("drops"), [
    {title: "Reason", class: "wide head", label: ""}, {title: "Booked as", width: "w2", class: "third"},
    number("Per second", "w2"), number("Total", "w2")], "Every message was forwarded."),
  deviations: new Table(at("deviations"), [
    {title: "Peer", width: "w4", class: "wide head", label: ""}, {title: "What", class: "wide", label: ""},
    {title: "Section", width: "w5", class: "wide", label: ""}, number("Messages", "w2"),
    {title: "Since", width: "w4", class: ""}, {title: "Last", width: "w4", class: ""}], "Nobody, so far."),
  events: new Table(at("events"), [
    {title: "Time", width: "w4", class: "wide", label: ""}, {title: "Kind", width: "w2", class: "third", label: ""},
    {title: "Subject", width: "w4", class: "", label: ""}, {title: "What", class: "wide", label: ""}], "None yet."),
};

const tiles = Object.fromEntries(Object.entries(KINDS).map(([kind, title]) => {
  const rate = element("span", {}, "–"), total = element("span", {class: "total"}, "–");
  at("tiles").append(element("div", {class: kind}, element("dt", {}, title),
    element("dd", {}, rate, element("small", {}, " /s"), total)));
  return [kind, {rate, total}];
}));
const facts = Object.fromEntries(["In", "Out", "Absorbed", "To the kernel", "In flight", "Ledger", "Bans",
  "Up for"].map((title) => {
  const value = element("dd", {}, "–");
  at("facts").append(element("div", {}, element("dt", {}, title), value));
  return [title, value];
}));
const chart = new Chart(at("chart"), Object.keys(KINDS), short);
const rates = new Rates(2.5);
let control = null, gone_since = null;

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const per_second = (name) => short(rates.of(name));

function bits(name) {
  const rate = rates.of(name);
  return rate === null ? "–" : `${short(rate * 8)}${rate * 8 < 1e4 ? " " : ""}bit/s`;
}

function show_traffic({stat, info, bans}) {
  const found = {requests: stat.requests_forwarded, responses: stat.responses_forwarded, replies: stat.ledger.replied,
    drops: stat.ledger.dropped};
  for (const kind of Object.keys(KINDS)) {
    say(tiles[kind].rate, per_second(kind));
    say(tiles[kind].total, `${found[kind].toLocaleString("en")} in all`);
  }
  say(facts.In, bits("in"));
  say(facts.Out, bits("out"));
  say(facts.Absorbed, `${per_second("absorbed")} /s`);
  say(facts["To the kernel"], `${per_second("punted")} /s`);
  say(facts["In flight"], String(stat.ledger.in_flight));
  say(facts.Ledger, stat.ledger.closes || stat.ledger.in_flight !== 0 ? "closes" : "does not close");
  say(facts.Bans, String(bans?.banned ?? 0));
  say(facts["Up for"], duration(info.uptime_s));
}

function state_of(row, health) {
  const pill = {up: "good", drain: "warn"}[row.state] ?? "idle";
  if (!row.healthy) {
    const wanted = row.state === "up";
    return {text: wanted ? "dead" : `${row.state}, dead`, pill: wanted ? "bad" : pill,
      small: health?.last ? `${health.last}` : undefined};
  }
  return {text: row.state, pill, small: row.warm_percent < 100 ? `warm ${row.warm_percent.toFixed(0)} %` : undefined};
}

// The most frequent codes; the rest is counted together.
function codes_of(answers) {
  const kind = (code) => (code >= 500 ? "bad" : code >= 400 ? "warn" : "");
  const sorted = [...answers].sort((a, b) => b.answers - a.answers);
  const shown = sorted.slice(0, CODES_SHOWN).sort((a, b) => a.code - b.code)
    .map(({code, answers: count}) => ({code: String(code), count: short(count), kind: kind(code)}));
  const rest = sorted.slice(CODES_SHOWN).reduce((sum, row) => sum + row.answers, 0);
  return rest > 0 ? [...shown, {code: "others", count: short(rest), kind: ""}] : shown;
}

// Calls say most; a pool of registrars has none.
function main_method(rows) {
  return rows.find((row) => row.method === "INVITE") ??
    rows.reduce((best, row) => (best && best.requests >= row.requests ? best : row), undefined);
}

async function order(action, name) {
  const told = at("told");
  told.className = "";
  try {
    const answer = await fetch(`/control/${action}/${name.split("/").map(encodeURIComponent).join("/")}`, {
      method: "POST", headers: {Authorization: `Bearer ${at("token").value.trim()}`},
      signal: AbortSignal.timeout(PATIENCE_MS)});
    const {done, error} = await answer.json();
    told.textContent = done ?? error;
    if (error) told.className = "bad";
  } catch (problem) {
    told.className = "bad";
    told.textContent = `not done: ${problem.message}`;
  }
}

function backends_table() {
  const columns = [
    {title: "Backend", class: "head", label: ""}, {title: "State", width: "w2", class: "tail", label: ""},
    {title: "Share of new calls", width: "w3", class: "third", label: "Share"}, number("Requests/s", "w2"),
    number("Unanswered", "w2"), number("Answer p50", "w2"), number("Answer p99", "w2"),
    {title: "Answer codes", width: "w5", class: "wide"}];
  if (control) columns.push({title: "", width: "w2", class: "wide", label: ""});
  return new Table(at("backends"), columns, "No backends are configured.");
}

function show_backends({backends, health, latency}) {
  const all = backends?.backends ?? [], rows = all.slice(0, ROWS_SHOWN);
  const armed = at("token").value.trim() !== "";
  tables.backends.show(rows.map((row) => {
    const name = `${row.pool}/${row.backend}`;
    const of = ({pool, backend}) => pool === row.pool && backend === row.backend;
    const time = main_method((latency?.latency ?? []).filter(of));
    const cells = [{text: name, small: row.address}, state_of(row, health?.health.find(of)),
      {text: percent(row.share_percent), bar: row.share_percent}, per_second(`backend ${name}`),
      percent(time?.open_percent), milliseconds(time?.first_p50_ms), milliseconds(time?.first_p99_ms),
      {codes: codes_of((latency?.answers ?? []).filter(of))}];
    if (control) {
      const action = row.state === "up" ? "drain" : "up";
      cells.push({text: action, button: () => order(action, name), disabled: !armed, hint: `${action} ${name}`});
    }
    return {key: name, cells};
  }), all.length - rows.length);
}

function show_workers({workers}) {
  tables.workers.show((workers?.workers ?? []).map((row) => {
    const cycles = workers.cycles_per_message?.find(({worker}) => worker === row.worker)?.all;
    return {key: String(row.worker), cells: [String(row.worker),
      {text: percent(row.busy_percent), bar: row.busy_percent ?? 0}, per_second(`worker ${row.worker}`), short(cycles)]};
  }));
}

function show_limits({limits, rules}) {
  const of_limits = (limits?.limits ?? []).map((row) => ({key: `limit ${row.limit}`, cells: [
    {text: row.limit, small: `${row.rate} by ${row.by}: ${row.action}`}, row.mode, per_second(`limit ${row.limit}`),
    per_second(`over ${row.limit}`), short(row.over)]}));
  const of_rules = (rules?.rules ?? []).map((row) => ({key: `rule ${row.rule}`, cells: [
    {text: row.rule, small: `rule: ${row.action}`}, row.mode, per_second(`rule ${row.rule}`), "–",
    short(row.over_limit)]}));
  const all = [...of_limits, ...of_rules];
  tables.limits.show(all.slice(0, ROWS_SHOWN), all.length - ROWS_SHOWN);
}

function show_reports({latency, drops, deviations, events}) {
  tables.latency.show((latency?.latency ?? []).slice(0, ROWS_SHOWN).map((row) => ({
    key: `${row.pool}/${row.backend} ${row.method}`, cells: [`${row.pool}/${row.backend}`, row.method,
      short(row.requests), percent(row.open_percent), milliseconds(row.first_p50_ms), milliseconds(row.first_p99_ms),
      milliseconds(row.final_p50_ms), milliseconds(row.final_p99_ms)]})), (latency?.latency ?? []).length - ROWS_SHOWN);
  tables.drops.show((drops?.reasons ?? []).map((row) => ({key: row.reason, cells: [
    {text: row.meaning, small: row.reason + (row.clause ? ` · ${row.clause}` : "")}, row.booked,
    per_second(`reason ${row.reason}`), short(row.messages)]})));
  tables.deviations.show((deviations?.deviations ?? []).slice(0, ROWS_SHOWN).map((row) => ({
    key: `${row.peer} ${row.name}`, cells: [row.peer, row.what, row.section, short(row.messages),
      row.since, row.last]})), (deviations?.deviations ?? []).length - ROWS_SHOWN);
  tables.events.show((events?.events ?? []).slice(-EVENTS_SHOWN).reverse().map((row) => ({
    key: String(row.number), cells: [row.time, row.kind, row.subject, row.what]})),
  (events?.events ?? []).length - EVENTS_SHOWN);
}

function show(answer, seconds) {
  if (control !== answer.control) {
    control = answer.control;
    tables.backends?.table.remove();
    tables.backends = backends_table();
    at("control").hidden = !control;
  }
  rates.add(seconds, counters(answer));
  show_traffic(answer);
  show_backends(answer);
  show_workers(answer);
  show_limits(answer);
  show_reports(answer);
  const values = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, rates.of(kind)]));
  chart.add(seconds, values.requests === null ? null : values);
  const {info} = answer;
  const workers = `${info.workers} ${info.workers === 1 ? "worker" : "workers"}`;
  say(at("identity"), `${info.version} · ${workers} · ${info.config}`);
}

function show_status(problem) {
  const now = new Date().toLocaleTimeString("en-GB");
  if (!problem) gone_since = null;
  else gone_since ??= now;
  say(at("status"), problem ? `Gone since ${gone_since}: ${problem}. These are the last figures.` : `Live, ${now}`);
  at("status").className = problem ? "gone" : "live";
  document.body.classList.toggle("gone-figures", Boolean(problem));
  say(document.querySelector("title"), problem ? "Viaduct: gone" : "Viaduct");
}

async function ask() {
  const seconds = performance.now() / 1000;
  try {
    const answer = await fetch("/dashboard.json", {cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS)});
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    show(told, performance.now() / 1000);
    show_status(null);
  } catch (problem) {
    rates.forget();
    chart.add(seconds, null);
    const unreachable = problem instanceof TypeError || problem.name === "TimeoutError";
    show_status(unreachable ? "'viaductctl serve' does not answer" : problem.message);
  }
}

async function keep_asking() {
  for (;;) {
    const started = performance.now();
    await ask();
    const left = PERIOD_MS - (performance.now() - started);
    await new Promise((done) => { setTimeout(done, Math.max(100, left)); });
  }
}

keep_asking();
