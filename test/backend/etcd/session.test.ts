import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { after, before, test } from 'node:test';
import { Connections } from '../../../src/backend/etcd/connections.js';
import { Session } from '../../../src/backend/etcd/session.js';
import { systemClock } from '../../../src/util/clock.js';
import { silentLog } from '../../../src/util/log.js';
import { type Etcd, startEtcd } from '../../helpers/etcd.js';

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

function openSession(): Session {
  const dial = () => ({ client: etcd.admin, close() {}, answered() {} });
  const connections = new Connections([{ server: undefined, dial }], 0, silentLog);
  const withoutLogin = () => false;
  return new Session({ connections, ttlMs: 4000, clock: systemClock, log: silentLog, withoutLogin });
}

/** How many signals made of this one Node still knows of: before Node 24 it forgets none. */
function dependants(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find((one) => /dependant/i.test(String(one)));
  if (symbol === undefined) return 0;
  // Node's own kind of set, which is no instance of ours.
  const { size } = Reflect.get(signal, symbol) as { readonly size: number };
  return size;
}

const ask = (session: Session) =>
  session.attempt((client, options) => client.kv.range({ key: Buffer.from('k') }, options));

test('a request that was answered leaves nothing behind at its connection', async () => {
  const session = openSession();
  const { over } = session.connection;
  for (let round = 0; round < 20; round += 1) await ask(session);
  assert.deepEqual([dependants(over), getEventListeners(over, 'abort').length], [0, 0]);
});

test('twin: a signal that is made of it for each request would stay, before Node 24', () => {
  const { over } = openSession().connection;
  const made = [AbortSignal.any([over]), AbortSignal.any([over])];
  const tidy = Number.parseInt(process.versions.node, 10) >= 24;
  assert.ok(tidy || dependants(over) === made.length);
});

test('any number of requests at the same time is nothing to warn of', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const session = openSession();
  await Promise.all(Array.from({ length: 50 }, () => ask(session)));
  // Node tells of a warning in the next turn.
  await new Promise<void>((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  assert.deepEqual(warnings, []);
});
