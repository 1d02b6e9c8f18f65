import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, type TestContext, test } from 'node:test';
import { type Etcd, startEtcd } from '../helpers/etcd.js';
import { alive, killAllWithEnv } from '../helpers/processes.js';
import { type Check, redirects, refuses } from './checks.js';
import { codeIn, readDocument } from './document.js';
import { type LineRun, Stage } from './stage.js';

/*
 * What the document says of the tools that are on this machine is seen of them. Of the others it says what their sources and
 * their issues say.
 */

const document = readDocument();

let etcd: Etcd;
before(async () => {
  etcd = await startEtcd();
});
after(() => etcd[Symbol.asyncDispose]());

/** A stage on which the tools leave processes behind: what they leave is killed. */
class Theirs {
  private constructor(readonly stage: Stage) {}

  static async make(t: TestContext): Promise<Theirs> {
    return new Theirs(await Stage.make(t, { etcd: etcd.server().address }));
  }

  /** Starts a line of theirs, as a process of its own: no shell around it. */
  async start(
    line: string,
    ...how: [stub?: number | 'stays' | 'leaves', env?: NodeJS.ProcessEnv]
  ): Promise<LineRun> {
    const env = { ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: `http://${etcd.server().address}`, ...how[1] };
    const started: LineRun[] = [];
    // Before the run itself is disposed of, which finds fault with what is left.
    await this.stage.use({
      [Symbol.asyncDispose]: async () => {
        for (const { mark } of started) await killAllWithEnv(mark);
      },
    });
    const run = await this.stage.start(`exec ${line}`, how[0], { env });
    started.push(run);
    return run;
  }
}

/** Lines of theirs of which the document says that ours does the same, and what that is. */
const SAME: Readonly<Record<string, Check>> = {
  'flock -n /tmp/report report': refuses('report', 1),
  'flock -n -E 75 /tmp/report report': refuses('report', 75),
  'flock -w 0.5 /tmp/report report': refuses('report', 1, 500),
  "flock /tmp/dump -c 'dump > /tmp/dump.out'": redirects('dump.out'),
  '( flock -n 9 || exit 1; prepare; backup ) 9>/tmp/backup': refuses('backup', 1),
};

for (const [line, check] of Object.entries(SAME)) {
  test(`as ours: ${line}`, async (t) => {
    assert.ok(document.lines.some(({ theirs }) => codeIn(theirs)[0] === line));
    await check(await Stage.make(t, {}), line);
  });
}

test('flock that gets SIGTERM dies alone, and its command goes on and keeps the lock', async (t) => {
  const theirs = await Theirs.make(t);
  const run = await theirs.start('flock /tmp/serve serve');
  const { pid } = await run.running();
  run.kill('SIGTERM');
  assert.deepEqual(await run.exited, { code: null, signal: 'SIGTERM' });
  assert.ok(alive(pid));
  assert.equal(await (await theirs.start('flock -n /tmp/serve report')).refused(), 1);
});

test('a daemon that is left behind keeps the lock of flock, and with -o it does not', async (t) => {
  const theirs = await Theirs.make(t);
  const run = await theirs.start('flock /tmp/serve serve', 'leaves');
  assert.deepEqual(await run.exited, { code: 0, signal: null });
  assert.equal(await (await theirs.start('flock -n /tmp/serve report')).refused(), 1);
  const without = await theirs.start('flock -o /tmp/other serve', 'leaves');
  assert.deepEqual(await without.exited, { code: 0, signal: null });
  assert.ok(alive(without.started[1]?.pid ?? -1));
  await (await theirs.start('flock -n /tmp/other report')).running();
});

/** Goes on until there is a file, and ends with 0 then. */
const UNTIL_END = `sh -c 'echo "$$ works" >> "$JOURNAL"; until test -e /tmp/end; do sleep 0.1; done'`;

test('etcdctl lock whose lease was revoked runs on beside the next holder, and ends with 0', async (t) => {
  const theirs = await Theirs.make(t);
  const first = await theirs.start(`etcdctl lock revoked -- ${UNTIL_END}`);
  const { pid } = await first.running();
  const [{ lease = '0' } = {}] = (await etcd.admin.getAll().prefix('revoked/').exec()).kvs;
  await etcd.admin.leaseClient.leaseRevoke({ ID: lease });
  const second = await theirs.start('etcdctl lock revoked report');
  await second.running();
  assert.ok(alive(pid), 'both run');
  await theirs.start('touch /tmp/end');
  assert.deepEqual(await first.exited, { code: 0, signal: null }, first.stderr);
});

test('etcdctl lock does not stop for SIGTERM while its command runs', async (t) => {
  const theirs = await Theirs.make(t);
  const run = await theirs.start('etcdctl lock deaf serve');
  const { pid } = await run.running();
  run.kill('SIGTERM');
  // It is given two seconds.
  assert.equal(await (await theirs.start('timeout 2 etcdctl lock deaf report')).refused(), 124);
  assert.equal(run.ended, undefined);
  assert.ok(alive(pid));
});

test('etcdctl lock that is killed leaves its command behind, which then runs without a lock', async (t) => {
  const theirs = await Theirs.make(t);
  const first = await theirs.start('etcdctl lock --ttl=2 orphan serve');
  const { pid } = await first.running();
  first.kill('SIGKILL');
  const second = await theirs.start('etcdctl lock orphan report');
  await second.running();
  assert.ok(alive(pid), 'both run');
});

test('the status of etcdctl lock is 1 for any failure, before 3.5', async (t) => {
  const theirs = await Theirs.make(t);
  const version = await theirs.start('etcdctl version');
  await version.exited;
  const run = await theirs.start('etcdctl lock status report', 7);
  await run.exited;
  const [, minor] = /^etcdctl version: 3\.(\d+)\./m.exec(version.stdout) ?? [];
  assert.equal(run.ended?.code, Number(minor) < 5 ? 1 : 7);
});

test('etcdctl lock tells its command the revision and the key, and within another one those of the outer lock', async (t) => {
  const theirs = await Theirs.make(t);
  const told = async (line: string) => {
    const run = await theirs.start(line);
    assert.equal((await run.exited).code, 0, run.stderr);
    return run.stdout;
  };
  for (const { theirs: cell } of document.lines.filter(({ theirs: cell }) => cell.includes('ETCD_LOCK_'))) {
    assert.match(await told(codeIn(cell)[0] ?? ''), /^(\d+|nightly\/[0-9a-f]+)\n$/);
  }
  const both = `sh -c 'echo $ETCD_LOCK_KEY; etcdctl lock inner -- sh -c "echo \\$ETCD_LOCK_KEY"'`;
  const [outer, inner] = (await told(`etcdctl lock outer -- ${both}`)).split('\n');
  assert.match(outer ?? '', /^outer\//);
  assert.equal(inner, outer);
});

/** The options that a tool shows when it is asked for help. */
function optionsOf(help: string): string[] {
  return [...help.matchAll(/^\s+(?:(-\w), )?(--[a-z-]+)/gm)].flatMap(([, short, long = '']) =>
    short === undefined ? [long] : [short, long],
  );
}

for (const [section, command, args] of [
  ['flock', 'flock', ['--help']],
  ['etcdctl lock', 'etcdctl', ['lock', '--help']],
] as const) {
  test(`every option that ${command} ${args.join(' ')} shows has a row`, () => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const shown = optionsOf(execFileSync(command, args, { env, encoding: 'utf8' }));
    assert.ok(shown.length > 10);
    const rows = document.options.filter((option) => option.section === section);
    const named = rows.flatMap(({ theirs }) => codeIn(theirs));
    assert.deepEqual(
      shown.filter((option) => !named.includes(option)),
      [],
    );
  });
}

test('the time to live of etcdctl lock is 10 s unless told', () => {
  const env = { ...process.env, ETCDCTL_API: '3' };
  assert.match(execFileSync('etcdctl', ['lock', '--help'], { env, encoding: 'utf8' }), /--ttl=10\b/);
});
