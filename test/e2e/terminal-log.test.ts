import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { jsonLines, LOCKEX, type Lockex, lockex } from '../helpers/lockex.js';
import { KEYS, Pty, type PtyOptions } from '../helpers/pty.js';
import { type Scope, scope } from '../helpers/scope.js';
import { spelled, visibleLines } from '../helpers/screen.js';
import { tempDir } from '../helpers/temp.js';
import { Probe } from '../helpers/zk-probe.js';
import { startZooKeeper } from '../helpers/zookeeper.js';
import { onTerminal, ownLock } from './terminal-stage.js';

const SPINS = /^[|/\\-] \d+ s waiting: held by \S+:\d+ \(.*\) since [\d:]+$/;

/** A holder of the lock, without a terminal. */
async function holding(on: Scope, lock: readonly string[]): Promise<Lockex> {
  const holder = await on.use(lockex([...lock, '--', 'sh', '-c', 'echo ready; exec sleep 300']));
  await until(() => holder.stdout === 'ready\n', 'the holder runs');
  return holder;
}

/** A holder, and somebody at a terminal who waits for the lock. */
async function oneWaits(on: Scope, options: PtyOptions = {}) {
  const lock = await ownLock(on);
  const holder = await holding(on, lock);
  const pty = await onTerminal(on, [...lock, '--', 'sh', '-c', 'echo command starts; read x'], options);
  await pty.shows('waiting: held by');
  return { holder, pty };
}

test('while it waits, a line at the bottom turns, and says for how long, who holds and where we stand', async (t) => {
  const { holder, pty } = await oneWaits(scope(t));
  const line = () => visibleLines(pty.screen).at(-1) ?? '';
  await until(() => SPINS.test(line()), 'the line is there').catch((cause: unknown) => {
    throw new Error(`not the line at the bottom: ${line()}`, { cause });
  });
  assert.match(line(), new RegExp(`:${holder.pid} `));
  const [frames, times] = [new Set<string>(), new Set<string>()];
  await until(() => {
    frames.add(line().slice(0, 1));
    times.add(line().slice(2, 5));
    return frames.size === 4 && times.size >= 2;
  }, 'the line turns, and time goes by');

  holder.kill('SIGTERM');
  await pty.shows('command starts\r\n');
  const lines = visibleLines(pty.screen);
  assert.deepEqual(
    lines.filter((text) => !/^lockex \d\d:\d\d:\d\d (lock |waiting: |acquired )/.test(text)),
    ['command starts', ''],
    'lines of the log, and none of the spinner',
  );
  pty.type('\n');
  assert.deepEqual(await pty.exited, { code: 0, signal: null });
});

test('a line too long for the terminal is cut by it, so that it can be erased', async (t) => {
  const { pty } = await oneWaits(scope(t), { columns: 20 });
  const drawn = () =>
    spelled(pty.screen)
      .split('\r␛[2K')
      .slice(1, -1)
      .filter((text) => text !== '' && !text.includes('\n'));
  await until(() => drawn().length > 3, 'the line was redrawn');
  // DECAWM off and on: what does not fit is not carried to the next line.
  for (const text of drawn()) assert.match(text, /^␛\[\?7l.*␛\[\?7h$/);
});

test('Ctrl-C while it waits: 130 within a second, no node left, and the terminal as it was', async (t) => {
  const on = scope(t);
  const zookeeper = await on.use(startZooKeeper());
  const probe = await on.use(Probe.open(zookeeper.address));
  const lock = ['-z', zookeeper.address, '-T', '4', '-i', 'here'];
  const holder = await holding(on, lock);
  const around = 'trap : INT; stty -g; "$0" "$@"; echo "status $?"; stty -g';
  const pty = await on.use(new Pty('sh', ['-c', around, LOCKEX, ...lock, '--', 'echo', 'ran']));
  await pty.shows('waiting: held by');
  assert.equal((await probe.children('/lockex/here')).length, 2);
  const since = performance.now();
  pty.type(KEYS.CTRL_C);
  await pty.shows('status 130');
  assert.ok(performance.now() - since < 1_000);
  assert.deepEqual(await pty.exited, { code: 0, signal: null });

  const nodes = await probe.children('/lockex/here');
  assert.equal(nodes.length, 1);
  assert.match(await probe.data(`/lockex/here/${nodes[0]}`), new RegExp(`:${holder.pid}\\b`));
  const lines = visibleLines(pty.screen);
  assert.equal(lines.at(-2), lines[0], 'the terminal is as it was');
  assert.doesNotMatch(spelled(pty.screen), /␛\[\?7l(?!.*␛\[\?7h)/s);
  assert.doesNotMatch(lines.join('\n'), /^\s+at |^ran$/m);
  assert.deepEqual(
    lines.filter((line) => SPINS.test(line)),
    [],
  );
});

test('on a terminal the log is for people, with colours unless NO_COLOR is set', async (t) => {
  const on = scope(t);
  for (const [env, colours] of [
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ TERM: 'dumb' }, false],
  ] as const) {
    const pty = await onTerminal(on, [...(await ownLock(on)), '--', 'true'], { env });
    assert.deepEqual(await pty.exited, { code: 0, signal: null });
    assert.equal(pty.screen.includes('\x1b'), colours, pty.screen);
    const lines = visibleLines(pty.screen);
    assert.match(
      lines[0] ?? '',
      /^lockex \d\d:\d\d:\d\d lock lockex\/here at file:\/\/\/\S+ \(--url\); isolation: \w+$/,
    );
    assert.match(lines[1] ?? '', /^lockex \d\d:\d\d:\d\d acquired the lock$/);
    assert.match(lines[2] ?? '', /^lockex \d\d:\d\d:\d\d the command exited with 0; the lock is given back$/);
    assert.deepEqual(lines.slice(3), ['']);
  }
});

test('with NO_COLOR, a line that is redrawn while it waits has no colours', async (t) => {
  const { pty } = await oneWaits(scope(t), { env: { NO_COLOR: '1' } });
  await until(() => SPINS.test(visibleLines(pty.screen).at(-1) ?? ''), 'the line is there');
  assert.doesNotMatch(spelled(pty.screen), /␛\[[\d;]*m/);
});

test('where stderr is no terminal the log is JSON, and the terminal shows the command’s output only', async (t) => {
  const on = scope(t);
  const lock = await ownLock(on);
  const log = (await on.use(tempDir('log'))).join('stderr');
  const command = ['sh', '-c', 'echo out; echo err >&2'];
  const pty = await on.use(
    new Pty('sh', ['-c', '"$0" "$@" 2>"$LOG"', LOCKEX, ...lock, '--', ...command], { env: { LOG: log } }),
  );
  assert.deepEqual(await pty.exited, { code: 0, signal: null });
  assert.equal(pty.screen, 'out\r\n');
  const text = readFileSync(log, 'utf8');
  const [, ...rest] = text.split('err\n');
  assert.equal(rest.length, 1);
  assert.deepEqual(
    jsonLines(text).map(({ level }) => level),
    ['info', 'info', 'info'],
  );
});
