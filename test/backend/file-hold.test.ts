import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { bindingAmong, bootId, heldName, keepsOut } from '../../src/backend/file/held.js';
import { openFile } from '../../src/backend/file/index.js';
import { directoryName } from '../../src/backend/file/layout.js';
import { systemClock } from '../../src/util/clock.js';
import { silentLog } from '../../src/util/log.js';
import { tempDir } from '../helpers/temp.js';

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;
const boot = bootId();
const otherBoot = boot.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));

function claim(part: Partial<Claim> = {}): Claim {
  const identity = { host: 'h', pid: 1, command: 'c' };
  return { resource: 'r', permits: 1, mode: 'exclusive', identity, ...part };
}

/** The name of a hold that begins now. */
function name(part: Partial<Claim>, of = boot, slot = 0): string {
  return heldName(slot, claim(part), 'ab12', systemClock.now(), of);
}

/** Who wants to come, and the slots that they could have. */
const CLAIMS = {
  writer: { part: { mode: 'exclusive' }, slots: [0] },
  reader: { part: { mode: 'shared' }, slots: [0] },
  permit: { part: { permits: 2 }, slots: [0, 1] },
} as const;
type Who = keyof typeof CLAIMS;

/** Who is kept out by a file of this name: the keeper, a shell script, and we ourselves must read it alike. */
const READINGS: readonly (readonly [string, string, readonly Who[]])[] = [
  ['the hold of a lock keeps all out', name({ holdMs: HOUR_MS }), ['writer', 'reader', 'permit']],
  ['a reader’s keeps no readers out', name({ holdMs: HOUR_MS, mode: 'shared' }), ['writer', 'permit']],
  [
    'a semaphore’s keeps out who wants a lock, and keeps one permit',
    name({ holdMs: HOUR_MS, permits: 3 }, boot, 1),
    ['writer', 'reader'],
  ],
  ['one that has passed keeps nobody out', name({ holdMs: -HOUR_MS / 1000 }), []],
  ['one of another boot keeps nobody out', name({ holdMs: HOUR_MS }, otherBoot), []],
  ['one without a time keeps nobody out', `held.0.x.soon.${boot}.ab12`, []],
  ['one without anything keeps nobody out', 'held.', []],
];

for (const [what, file, out] of READINGS) {
  test(what, async () => {
    await using dir = await tempDir('file-hold');
    await using backend = await openFile(dir.path, { clock: systemClock, log: silentLog });
    const own = join(dir.path, directoryName('r'));
    for (const who of ['writer', 'reader', 'permit'] as const) {
      const wanted = claim(CLAIMS[who].part);
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, file), 'h:1 c\n');
      const lease = await backend.tryAcquire(wanted, never);
      assert.equal(lease === undefined, out.includes(who), who);
      await lease?.release();
      const binding = bindingAmong([file], systemClock.now(), boot);
      const kept = CLAIMS[who].slots.every((slot) => binding.some((held) => keepsOut(held, slot, wanted)));
      assert.equal(kept, out.includes(who), who);
    }
    // What keeps somebody out stays.
    const stays = bindingAmong([file], systemClock.now(), boot).length > 0;
    assert.deepEqual(stays ? readdirSync(own) : readdirSync(dir.path), stays ? [file] : []);
  });
}

test('the time of a hold is rounded up, so that it is never shorter', () => {
  for (const now of [0, 0.1, 9.9, 10, 1234.5]) {
    const [held] = bindingAmong([heldName(0, claim({ holdMs: 15 }), 'ab12', now, boot)], now, boot);
    assert.ok(held && held.until >= now + 15 && held.until <= now + 15 + 30, `${now} to ${held?.until}`);
  }
});

test('a hold is over by our clock when it is over for every reader of /proc/uptime, which is rounded down', () => {
  const file = `held.0.x.100.${boot}.ab12`;
  assert.deepEqual(
    [999, 1009.9, 1010].map((now) => bindingAmong([file], now, boot).length),
    [1, 1, 0],
  );
});
