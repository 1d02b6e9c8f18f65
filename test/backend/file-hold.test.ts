import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Claim } from '../../src/backend/contract.js';
import { bindingAmong, bootId, heldName } from '../../src/backend/file/held.js';
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

/** Who is kept out by a file of this name: the keeper, a shell script, and we ourselves must read it alike. */
const READINGS: readonly (readonly [
  string,
  string,
  { readonly writer: boolean; readonly reader: boolean },
])[] = [
  ['a hold that binds', name({ holdMs: HOUR_MS }), { writer: true, reader: true }],
  ['a reader’s', name({ holdMs: HOUR_MS, mode: 'shared' }), { writer: true, reader: false }],
  ['another slot’s', name({ holdMs: HOUR_MS }, boot, 1), { writer: false, reader: false }],
  ['one that has passed', name({ holdMs: -HOUR_MS / 1000 }), { writer: false, reader: false }],
  ['one of another boot', name({ holdMs: HOUR_MS }, otherBoot), { writer: false, reader: false }],
  ['one without a time', `held.0.x.soon.${boot}.ab12`, { writer: false, reader: false }],
  ['one without anything', 'held.', { writer: false, reader: false }],
];

for (const [what, file, bound] of READINGS) {
  const said = bound.writer ? (bound.reader ? 'keeps all out' : 'keeps writers out') : 'keeps nobody out';
  test(`${what} ${said}`, async () => {
    await using dir = await tempDir('file-hold');
    await using backend = await openFile(dir.path, { clock: systemClock, log: silentLog });
    const own = join(dir.path, directoryName('r'));
    for (const [who, mode] of [
      ['writer', 'exclusive'],
      ['reader', 'shared'],
    ] as const) {
      mkdirSync(own, { recursive: true });
      writeFileSync(join(own, file), 'h:1 c\n');
      const lease = await backend.tryAcquire(claim({ mode }), never);
      assert.equal(lease === undefined, bound[who], who);
      await lease?.release();
      const binding = bindingAmong([file], systemClock.now(), boot).filter(
        ({ slot, shared }) => slot === 0 && !(shared && mode === 'shared'),
      );
      assert.equal(binding.length > 0, bound[who], who);
    }
    // What keeps somebody out stays, and the slot that it is for need not be one of ours.
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
