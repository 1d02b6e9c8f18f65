import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from './chaos.js';
import { summaryLines } from './report.js';
import { startService } from './services/start.js';
import { DEFAULTS } from './settings.js';

/** By what `npm run chaos -- --url` takes: the timeout that the service needs, ms. */
const SERVICES = { 'etcd:': 3000, 'redis:': 3000, 'redis-masters:': 4000, 'memcached:': 6000 } as const;

for (const [url, ttlMs] of Object.entries(SERVICES)) {
  test(`one permit is never held twice on ${url.replace(':', '')}, whatever is killed, frozen or cut off, and once all is well somebody holds`, async (t) => {
    await using service = await startService(url, ttlMs);
    const { processes, links } = DEFAULTS.faults;
    const faults = { processes, links, servers: service.faults };
    const lines: string[] = [];
    const settings = { ...DEFAULTS, seed: 47, durationMs: 5 * ttlMs, ttlMs, faults };
    const report = await chaos(service, settings, (line) => lines.push(line), t.signal);
    t.diagnostic(summaryLines(report).join('\n'));
    assert.deepEqual(report.violations, [], lines.join('\n'));
    assert.ok(report.grants > 0, lines.join('\n'));
  });
}
