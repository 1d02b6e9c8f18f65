import { createServer } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'lockex';
import { work } from './job.mjs';

const {
  LOCK_URL = 'zk://localhost:2181',
  LOCK_TTL = '15s',
  HOST = '127.0.0.1',
  PORT = '8080',
  JOURNAL = 'journal.jsonl',
  TICK_MS = '1000',
} = process.env;

const instance = `${hostname()}:${process.pid}`;
const locks = await connect(LOCK_URL, { ttl: LOCK_TTL });
const lock = locks.lock('singleton-job');

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => stop.abort());

// Every instance answers, whoever leads.
const server = createServer(async (_request, response) => {
  const leader = await whoLeads();
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ instance, leading: lock.owned, leader })}\n`);
});
server.listen(Number(PORT), HOST, () => {
  console.log(`${instance} serves on http://${HOST}:${server.address().port}`);
});

// One leads, until it is told to stop or has lost the lock; then it stands in line again.
while (!stop.signal.aborted) {
  try {
    await lock.hold(lead, { signal: stop.signal });
  } catch (error) {
    if (stop.signal.aborted) break;
    console.error(`${instance}: ${error.message}`);
    await pause(1000, undefined, { signal: stop.signal }).catch(() => {});
  }
}

// The lock has been given back: the next one leads already, while the last requests are answered.
await new Promise((resolve) => {
  server.close(resolve);
  server.closeIdleConnections();
});
await locks.close();

async function lead(lease) {
  console.log(`${instance} leads, token ${lease.fencingToken ?? 'none'}`);
  const end = AbortSignal.any([stop.signal, lease.lost]);
  await work(lease, end, { journal: JOURNAL, instance, everyMs: Number(TICK_MS) });
  console.log(`${instance} leads no more`);
}

/** `host:pid` of the instance that holds the lock, as the lock service knows it; `null` if there is none, or no answer. */
async function whoLeads() {
  try {
    const contenders = await lock.contenders({ signal: AbortSignal.timeout(1000) });
    const holder = contenders.find(({ state }) => state === 'holding');
    return holder === undefined ? null : `${holder.host}:${holder.pid}`;
  } catch {
    return null;
  }
}
