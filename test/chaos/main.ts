import { parseArgs } from 'node:util';
import { chaos } from './chaos.js';
import { summaryLines } from './report.js';
import { startService } from './services/start.js';
import { DEFAULTS } from './settings.js';

/**
 * Chaos by hand: `npm run chaos -- [--seconds 600] [--seed N] [--permits 1] [--timeout 3] [--isolation LEVEL]
 * [--lanes processes,links,servers] [--url zk:]`.
 * Prints its seed, a time line and a summary. The seed fixes which faults come in which order and how long they last;
 * who holds when they come is the machine's. A scheme alone (`zk:`, `etcd:`) starts servers of that kind, and breaks them;
 * a whole URL is of servers that run already, and are left alone. Status 1 when something happened that must not.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    permits: { type: 'string', default: '1' },
    timeout: { type: 'string', default: String(DEFAULTS.ttlMs / 1000) },
    isolation: { type: 'string' },
    url: { type: 'string', default: 'zk:' },
    lanes: { type: 'string', default: 'processes,links,servers' },
  },
});

function positive(name: 'seconds' | 'seed' | 'permits' | 'timeout'): number {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`--${name} must be a number above 0, and is ${values[name]}`);
}

await using service = await startService(values.url, positive('timeout') * 1000);
const { processes, links } = DEFAULTS.faults;
const chosen = <T>(lane: string, kinds: readonly T[]) =>
  values.lanes.split(',').includes(lane) ? kinds : [];

const settings = {
  ...DEFAULTS,
  seed: positive('seed'),
  durationMs: positive('seconds') * 1000,
  permits: positive('permits'),
  ttlMs: positive('timeout') * 1000,
  isolation: values.isolation,
  faults: {
    processes: chosen('processes', processes),
    links: chosen('links', links),
    servers: chosen('servers', service.faults),
  },
};
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

console.log(`seed ${settings.seed}`);
const report = await chaos(service, settings, (line) => console.log(line), interrupted.signal);
console.log(`\nseed        ${settings.seed}`);
for (const line of summaryLines(report)) console.log(line);
for (const violation of report.violations) console.log(`violation: ${violation.split('\n')[0]}`);
process.exitCode = report.violations.length === 0 ? 0 : 1;
