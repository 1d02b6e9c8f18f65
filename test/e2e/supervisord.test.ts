import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { until } from '../../src/testing/until.js';
import { jsonLines } from '../helpers/lockex.js';
import { alive } from '../helpers/processes.js';
import { scope } from '../helpers/scope.js';
import { startZooKeeper, type ZooKeeper } from '../helpers/zookeeper.js';
import { Host } from './cold-standby/host.js';
import { Witness } from './cold-standby/witness.js';

let zookeeper: ZooKeeper;
before(async () => {
  zookeeper = await startZooKeeper();
});
after(() => zookeeper[Symbol.asyncDispose]());

/** The limit of a test that hangs; none of them takes a quarter of it. */
const LIMIT = { timeout: 60_000 };

/** A supervisord with these entries, and the witness of what runs under `alone`. */
async function stage(t: TestContext, programs: string, env = {}): Promise<{ host: Host; witness: Witness }> {
  const owned = scope(t);
  const witness = await owned.use(Witness.create());
  const host = await owned.use(Host.start({ programs, servers: zookeeper.hosts, witness, env }));
  return { host, witness };
}

/** One start of `telling.sh`. */
interface Start {
  readonly pid: number;
  readonly token: bigint;
}

/** The starts that a program has told of. */
function starts(host: Host, program: string): Start[] {
  return [...host.stdout(program).matchAll(/^started (\d+) (\d+)$/gm)].map(([, pid, token]) => ({
    pid: Number(pid),
    token: BigInt(token ?? ''),
  }));
}

/** Waits until a program's command has started; returns its first start. */
function started(host: Host, program: string): Promise<Start> {
  return until(() => starts(host, program)[0], `the command of ${program} starts`);
}

/** The programs' states alone. */
async function states(host: Host): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries([...(await host.status())].map(([name, { state }]) => [name, state]));
}

/** The pair, with one holder and one waiter, both of them RUNNING to supervisord. */
async function pair(t: TestContext) {
  const { host, witness } = await stage(t, 'pair.conf', { PERMITS: '1' });
  const holder = await until(
    () => ['one', 'two'].find((name) => starts(host, name).length > 0),
    'one of the pair holds',
  );
  const waiter = holder === 'one' ? 'two' : 'one';
  await host.logged(waiter, 'we are next in line');
  await host.said(/success: \w+ entered RUNNING state/, 2);
  return { host, witness, holder, waiter };
}

test(
  'under supervisord, holder and waiter are both RUNNING, and the stop of the holder hands over',
  LIMIT,
  async (t) => {
    const { host, witness, holder, waiter } = await pair(t);
    assert.deepEqual(await states(host), { one: 'RUNNING', two: 'RUNNING' });
    const before = await started(host, holder);

    assert.match(await host.ctl('stop', holder), /: stopped/);
    const after = await started(host, waiter);
    assert.ok(after.token > before.token, `fencing token ${after.token} after ${before.token}`);
    assert.equal(alive(before.pid), false);
    assert.match(host.stdout(holder), /TERM\n$/);
    assert.deepEqual(await states(host), { [holder]: 'STOPPED', [waiter]: 'RUNNING' });

    await host.shutDown();
    witness.expectNone();
    assert.match(host.stdout(waiter), /TERM\n$/);
    // Nobody ended by itself: with 99, for one, because another command lived still.
    assert.doesNotMatch(host.events, /exited: /);
  },
);

test('two entries with two permits run at once, and the witness of these tests sees it', LIMIT, async (t) => {
  const { host } = await stage(t, 'pair.conf', { PERMITS: '2' });
  await host.said(new RegExp(`exited: (one|two) \\(exit status ${Witness.SECOND}; not expected\\)`));
});

test('the restart of a waiter costs the holder nothing', LIMIT, async (t) => {
  const { host, holder, waiter } = await pair(t);
  const before = await host.status();
  const told = host.stdout(holder);

  assert.match(await host.ctl('restart', waiter), /: stopped\n.*: started/);
  await host.logged(waiter, 'we are next in line', 2);
  const now = await host.status();
  assert.equal(now.get(waiter)?.state, 'RUNNING');
  assert.equal(host.stdout(waiter), '');

  assert.deepEqual(now.get(holder), before.get(holder));
  assert.equal(host.stdout(holder), told);
  assert.deepEqual(
    host.logs(holder).filter(({ level }) => level !== 'info'),
    [],
  );
});

test('supervisorctl signal HUP reaches the command, which goes on under the same lock', LIMIT, async (t) => {
  const { host, holder, waiter } = await pair(t);
  const before = await host.status();
  assert.match(await host.ctl('signal', 'HUP', holder), /: signalled/);
  await until(() => host.stdout(holder).includes('HUP\n'), 'the command tells of HUP');
  assert.deepEqual(await host.status(), before);
  assert.equal(starts(host, holder).length, 1);
  assert.equal(host.stdout(waiter), '');
});

test(
  'supervisord sees the command’s own exit status, and the statuses of lockex’s table',
  LIMIT,
  async (t) => {
    const { host } = await stage(t, 'endings.conf');
    await host.said(/exited: \w+/, 4);
    assert.match(host.events, /exited: three \(exit status 3; not expected\)/);
    assert.match(host.events, /exited: expected \(exit status 3; expected\)/);
    assert.match(host.events, /exited: killed \(exit status 137; not expected\)/);
    assert.match(host.events, /exited: missing \(exit status 127; not expected\)/);
    assert.equal((await states(host))['three'], 'EXITED');
  },
);

test(
  'a command that ignores TERM is killed by lockex’s -k, before supervisord loses patience',
  LIMIT,
  async (t) => {
    const { host } = await stage(t, 'deaf.conf');
    const pid = await until(() => /^started (\d+)$/m.exec(host.stdout('fitting'))?.[1], 'the command runs');
    await host.ctl('stop', 'fitting');
    assert.equal(alive(Number(pid)), false);
    await host.said(/stopped: fitting \(exit status 143\)/);
    assert.doesNotMatch(host.events, /killing 'fitting'/);

    await until(() => host.stdout('twin'), 'the command of the twin runs');
    await host.ctl('stop', 'twin');
    await host.said(/stopped: twin \(terminated by SIGKILL\)/);
    assert.match(host.events, /killing 'twin' \(\d+\) with SIGKILL/, 'the twin: -k above stopwaitsecs');
  },
);

test(
  'under supervisord, stdout is the command’s byte for byte, and the log is JSON lines on stderr',
  LIMIT,
  async (t) => {
    const { host } = await stage(t, 'bytes.conf');
    await host.said(/exited: bytes \(exit status 0; expected\)/);
    assert.deepEqual(host.stdoutBytes('bytes'), Buffer.from('{\0\xff\r\n\x1b[31m no end of line', 'latin1'));
    const text = host.stderr('bytes');
    const lines = jsonLines(text);
    assert.ok(lines.length > 0);
    assert.equal(lines.length, text.split('\n').length - 1, `every line is JSON: ${text}`);
    for (const line of lines) {
      assert.equal(line['name'], 'lockex');
      assert.equal(typeof line['msg'], 'string');
      assert.ok(Date.parse(String(line['time'])) > 0);
    }
  },
);
