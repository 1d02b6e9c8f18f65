import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** Who handles a date at all: to show it to people, in a log, a list of contenders, or a file's time. */
const SHOWS_DATES = [
  'backend/contract.ts',
  'backend/file/entry.ts',
  'backend/file/held.ts',
  'backend/file/lease.ts',
  'backend/file/note.ts',
  'backend/memory/service.ts',
  'backend/zookeeper/hold-markers.ts',
  'backend/zookeeper/onlookers.ts',
  'child/guardian/last-word.ts',
  'cli/onlooker.ts',
  'cli/readable.ts',
  'cli/run.ts',
  'cli/waiting.ts',
];

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');

const sources = (): string[] =>
  readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    // The contract's sentences are tests: they measure, and hold nothing.
    (name) => name.endsWith('.ts') && !name.startsWith('testing/'),
  );

const uses = (name: string, what: RegExp): boolean =>
  what.test(withoutComments(readFileSync(join(SRC, name), 'utf8')));

test('trap 7: System clock jumps (±1 h) neither kill nor prolong; a monotonic clock is used (nothing asks for the date but to show it)', () => {
  assert.deepEqual(
    sources().filter((name) => uses(name, /Date\.now/)),
    [],
  );
  assert.deepEqual(
    sources()
      .filter((name) => uses(name, /\bDate\b/))
      .sort(),
    SHOWS_DATES,
  );
});

test('the guardian asks for the date for its one log line alone', () => {
  const script = readFileSync(join(SRC, 'child', 'guardian', 'guardian.pl'), 'utf8').replace(
    /^\s*#.*$/gm,
    '',
  );
  const line = /^sub write_line \{\n[\s\S]*?^\}$/m.exec(script)?.[0] ?? '';
  assert.match(line, /gmtime/);
  assert.doesNotMatch(script.replace(line, ''), /\b(gmtime|localtime)\b|\btime\s*\(|= *time\b|Time::HiRes/);
});

test('all time in src comes from one clock, but for the clock itself', () => {
  const asking = sources().filter((name) => uses(name, /performance\.now|hrtime|process\.uptime/));
  assert.deepEqual(asking, ['util/clock.ts']);
});
