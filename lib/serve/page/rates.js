// What a second brings, from counters since the start.

// Every counter of an answer that is shown a second, by a name of its own.
export function counters(answer) {
  const {stat, backends, drops, limits, rules} = answer;
  const found = {
    requests: stat.requests_forwarded, responses: stat.responses_forwarded, replies: stat.ledger.replied,
    drops: stat.ledger.dropped, absorbed: stat.ledger.absorbed, punted: stat.ledger.punted,
    received: stat.ledger.received, in: stat.bytes_received, out: stat.bytes_sent,
  };
  for (const row of backends?.backends ?? []) found[`backend ${row.pool}/${row.backend}`] = row.requests;
  for (const row of drops?.reasons ?? []) found[`reason ${row.reason}`] = row.messages;
  for (const row of limits?.limits ?? []) {
    found[`limit ${row.limit}`] = row.asked;
    found[`over ${row.limit}`] = row.over;
  }
  for (const row of rules?.rules ?? []) found[`rule ${row.rule}`] = row.matched;
  for (const row of stat.workers) found[`worker ${row.worker}`] = row.received;
  return found;
}

export class Rates {
  constructor(seconds) {
    this.seconds = seconds;
    this.kept = [];
  }

  // A balancer that was started anew counts from zero: what was before says nothing.
  add(at, found) {
    if (this.kept.length > 0 && found.received < this.kept.at(-1).found.received) this.kept = [];
    this.kept.push({at, found});
    while (this.kept.length > 2 && at - this.kept[1].at >= this.seconds) this.kept.shift();
  }

  forget() { this.kept = []; }

  // Null while nothing can be said. What is counted for the first time was 0 before.
  of(name) {
    if (this.kept.length < 2) return null;
    const [first, last] = [this.kept[0], this.kept.at(-1)];
    return Math.max(0, (last.found[name] ?? 0) - (first.found[name] ?? 0)) / (last.at - first.at);
  }
}
