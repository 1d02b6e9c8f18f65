import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, Contender, Lease, LockBackend } from '../../src/backend/contract.js';
import { MemoryBackend } from '../../src/backend/memory/index.js';
import { supervise } from '../../src/supervisor/supervise.js';
import { until } from '../../src/testing/until.js';
import { LeaseLostError, LockNotAcquiredError } from '../../src/util/errors.js';
import { exited, killed, Stage } from './stage.js';

const never = new AbortController().signal;

/** Somebody else's session that holds the lock. */
async function heldByAnother(stage: Stage) {
  const other = new MemoryBackend(stage.service);
  const lease = await other.acquire(stage.job().claim, never);
  return { other, lease };
}

test('gives the lock back only after the tree is gone, and ends with the status of the command', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  assert.equal(await stage.isFree(), false);
  child.ends(exited(3));
  assert.deepEqual(await run, { how: 'command-ended', status: exited(3) });
  assert.ok(stage.events.includes('tree gone, lock held'));
  assert.equal(await stage.isFree(), true);
});

test('the signal that killed a command that nobody told to stop is reported', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  (await stage.started()).ends(killed('SIGSEGV'));
  assert.deepEqual(await run, { how: 'command-ended', status: killed('SIGSEGV') });
});

test('a descendant that outlives the command is stopped before the lock is given back', async () => {
  const stage = new Stage();
  stage.leftover = true;
  const run = supervise(stage.job({ killAfterMs: 20 }), stage);
  const child = await stage.started();
  child.ends(exited(0));
  assert.deepEqual(await run, { how: 'command-ended', status: exited(0) });
  assert.deepEqual(child.received, ['SIGTERM', 'SIGKILL']);
  assert.ok(stage.events.includes('tree gone, lock held'));
});

test('SIGTERM stops the command with the stop signal that the user chose, and the status says by what', async () => {
  const stage = new Stage();
  stage.answers = { SIGQUIT: killed('SIGQUIT') };
  const run = supervise(stage.job({ stopSignal: 'SIGQUIT' }), stage);
  const child = await stage.started();
  stage.send('SIGTERM');
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.deepEqual(child.received, ['SIGQUIT']);
});

test('a command that is told to stop and chooses a status keeps it', async () => {
  const stage = new Stage();
  stage.answers = { SIGTERM: exited(0) };
  const run = supervise(stage.job(), stage);
  await stage.started();
  stage.send('SIGTERM');
  assert.deepEqual(await run, { how: 'command-ended', status: exited(0) });
});

test('a status that our own SIGKILL caused is never reported as the command’s', async () => {
  const stage = new Stage();
  stage.answers = {};
  const run = supervise(stage.job({ killAfterMs: 10 }), stage);
  const child = await stage.started();
  stage.send('SIGTERM');
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.deepEqual(child.received, ['SIGTERM', 'SIGKILL']);
});

test('a second SIGTERM or SIGINT while stopping kills what is left', async () => {
  for (const second of ['SIGTERM', 'SIGINT'] as const) {
    const stage = new Stage();
    stage.answers = {};
    const run = supervise(stage.job(), stage);
    const child = await stage.started();
    stage.send('SIGTERM');
    await until(() => child.received.includes('SIGTERM'), 'the stop has begun');
    stage.send(second);
    assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
    assert.deepEqual(child.received, ['SIGTERM', 'SIGKILL']);
  }
});

test('other signals are the command’s own and are handed on', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  for (const name of ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT', 'SIGTSTP'] as const)
    stage.send(name);
  assert.deepEqual(child.received, [
    'SIGHUP',
    'SIGQUIT',
    'SIGUSR1',
    'SIGUSR2',
    'SIGWINCH',
    'SIGCONT',
    'SIGTSTP',
  ]);
  child.ends(exited(0));
  await run;
});

test('Ctrl-C at a terminal is the command’s to answer: it is neither handed on again nor a stop', async () => {
  const stage = new Stage();
  stage.terminal = ['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGTSTP'];
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  stage.send('SIGINT');
  stage.send('SIGQUIT');
  stage.send('SIGWINCH');
  assert.deepEqual(child.received, []);
  child.ends(killed('SIGINT'));
  assert.deepEqual(await run, { how: 'command-ended', status: killed('SIGINT') });
});

test('Ctrl-Z suspends the command and keeps the lock, and a second one resumes it', async () => {
  const stage = new Stage();
  stage.terminal = ['SIGTSTP'];
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  child.suspended = true;
  stage.send('SIGTSTP');
  await until(() => stage.events.some((event) => event.includes('is suspended')), 'it says so');
  assert.deepEqual(child.received, []);
  stage.send('SIGTSTP');
  assert.deepEqual(child.received, ['SIGCONT']);
  child.ends(exited(0));
  await run;
});

test('a command that ignores Ctrl-Z is not said to be suspended, nor resumed', async () => {
  const stage = new Stage();
  stage.terminal = ['SIGTSTP'];
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  stage.send('SIGTSTP');
  stage.send('SIGTSTP');
  await new Promise((resolve) => setTimeout(resolve, 200)); // longer than the look that must find nothing
  assert.deepEqual(child.received, []);
  assert.equal(
    stage.events.some((event) => event.includes('is suspended')),
    false,
  );
  child.ends(exited(0));
  await run;
});

test('a command that the terminal stopped in the background goes on in the foreground, however late we hear of it', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  child.group = 'shared';
  stage.send('SIGTTIN');
  assert.deepEqual(child.received, []);
  stage.foreground = true;
  await until(() => child.received.length > 0, 'it goes on');
  stage.send('SIGTTIN');
  await until(() => child.received.length > 1, 'it goes on, though we are in the foreground already');
  assert.deepEqual(child.received, ['SIGCONT', 'SIGCONT']);
  child.ends(exited(0));
  await run;
});

test('a lost lease stops the command, and wins over the status that this causes', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  const [backend] = stage.opened;
  assert.ok(backend);
  stage.service.expire(backend);
  const outcome = await run;
  assert.equal(outcome.how, 'lease-lost');
  assert.deepEqual(child.received.at(-1), 'SIGKILL', 'a lease that is gone leaves no time for a grace');
});

test('a lease that is lost while a stop is under way shortens the grace and does not rename the ending', async () => {
  const stage = new Stage();
  stage.answers = {};
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  stage.send('SIGTERM');
  await until(() => child.received.includes('SIGTERM'), 'the stop has begun');
  const [backend] = stage.opened;
  assert.ok(backend);
  stage.service.expire(backend);
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
});

test('a failure that nobody foresaw kills the tree, and gives the lock back, before it is reported', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  stage.failUnforeseen(new Error('a bug'));
  await assert.rejects(run, /a bug/);
  assert.ok(child.received.includes('SIGKILL'));
  assert.ok(stage.events.includes('tree gone, lock held'));
  assert.equal(await stage.isFree(), true);
});

test('TERM, INT, HUP and QUIT end the wait, and the place in line with it', async () => {
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
    const stage = new Stage();
    const { lease } = await heldByAnother(stage);
    const run = supervise(stage.job(), stage);
    await until(() => stage.service.contenders('lockex/x', stage).length === 2, 'we wait');
    stage.send('SIGUSR1');
    stage.send(name);
    assert.deepEqual(await run, { how: 'told-to-stop', by: name });
    assert.equal(stage.service.contenders('lockex/x', stage).length, 1);
    await lease.release();
    assert.deepEqual(stage.children, []);
  }
});

test('trap 30: Signals while waiting end promptly (<1 s) and remove our node; shutdown racing the grant never starts the child (consul #800/#1155) (a race)', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), {
    ...stage,
    bug: stage.bug,
    connect: () => stage.connect(),
    handOver: () => stage.handOver(),
    log: { ...stage.log, info: () => stage.send('SIGTERM') },
  });
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.deepEqual(stage.children, []);
  assert.equal(await stage.isFree(), true);
});

test('a lease that a freeze used up before the command was started starts no command', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), {
    ...stage,
    bug: stage.bug,
    handOver: () => stage.handOver(),
    connect: async () => {
      const backend = await stage.connect();
      const acquire = backend.acquire.bind(backend);
      backend.acquire = async (claim, signal) => {
        const lease = await acquire(claim, signal);
        stage.service.expire(backend);
        return lease;
      };
      return backend;
    },
  });
  const outcome = await run;
  assert.ok(outcome.how === 'lease-lost' && outcome.error instanceof LeaseLostError);
  assert.deepEqual(stage.children, []);
});

test('--once ends at once when the lock is not free', async () => {
  const stage = new Stage();
  const { lease } = await heldByAnother(stage);
  await assert.rejects(supervise(stage.job({ waiting: { how: 'once' } }), stage), LockNotAcquiredError);
  await lease.release();
});

test('--once says who has the lock, where that can be seen, and never waits for it', async () => {
  const stage = new Stage();
  const { lease } = await heldByAnother(stage);
  const describe = (contenders: readonly Contender[]) => contenders.map(({ state }) => state).join();
  const job = stage.job({ waiting: { how: 'once' }, describe });
  await assert.rejects(supervise(job, stage), {
    kind: 'not-acquired',
    message: 'not free: lockex/x, holding',
  });
  const views: readonly LockBackend['contenders'][] = [
    async () => [],
    () => Promise.reject(new Error('no answer')),
    () => new Promise(() => {}),
  ];
  for (const contenders of views) {
    const connect = async () => Object.assign(await stage.connect(), { contenders });
    const blind = { ...stage, bug: stage.bug, handOver: () => stage.handOver(), connect };
    await assert.rejects(supervise(job, blind), { kind: 'not-acquired', message: 'not free: lockex/x' });
  }
  await lease.release();
});

test('a signal that comes while --once looks who has the lock ends lockex', async () => {
  const stage = new Stage();
  const { lease } = await heldByAnother(stage);
  const connect = async () =>
    Object.assign(await stage.connect(), {
      contenders: () => {
        stage.send('SIGTERM');
        return new Promise<never>(() => {});
      },
    });
  const job = stage.job({ waiting: { how: 'once' }, describe: () => '' });
  const run = supervise(job, { ...stage, bug: stage.bug, handOver: () => stage.handOver(), connect });
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
  await lease.release();
});

test('--locktimeout ends the wait, and leaves the line', async () => {
  const stage = new Stage();
  const { lease } = await heldByAnother(stage);
  const job = stage.job({ waiting: { how: 'blocking', limitMs: 30 } });
  await assert.rejects(supervise(job, stage), /not free within 0\.03 s/);
  assert.equal(stage.service.contenders('lockex/x', stage).length, 1);
  await lease.release();
});

test('a session that ends while waiting costs the place in line, and a new one is taken as often as asked', async () => {
  const stage = new Stage();
  const { lease } = await heldByAnother(stage);
  const run = supervise(stage.job({ attempts: 2 }), stage);
  for (const sessions of [1, 2]) {
    await until(
      () => stage.opened.length === sessions && stage.service.contenders('lockex/x', stage).length === 2,
      'we wait',
    );
    const backend = stage.opened[sessions - 1];
    assert.ok(backend);
    stage.service.expire(backend);
  }
  await assert.rejects(run, { name: 'SessionLostError' });
  assert.equal(stage.opened.length, 2);
  await lease.release();
});

test('a signal that comes while the command is being started is not lost', async () => {
  const stage = new Stage();
  const run = supervise(stage.job(), {
    ...stage,
    bug: stage.bug,
    connect: () => stage.connect(),
    handOver: async () => {
      stage.send('SIGHUP');
      stage.send('SIGTERM');
    },
  });
  assert.deepEqual(await run, { how: 'told-to-stop', by: 'SIGTERM' });
  assert.deepEqual(stage.children[0]?.received, ['SIGHUP', 'SIGTERM']);
});

/** A session whose farewell is another one after each renewal. */
class Renewing extends MemoryBackend {
  readonly #listeners = new Set<() => void>();
  #renewals = 0;

  override get farewells() {
    return [{ addresses: [], bytes: Buffer.from([this.#renewals]), taken: /./ }];
  }

  override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    const lease = await super.acquire(claim, signal);
    lease.onRenewed = (listener) => {
      this.#listeners.add(listener);
      return () => void this.#listeners.delete(listener);
    };
    return lease;
  }

  renew(): void {
    this.#renewals += 1;
    for (const listener of this.#listeners) listener();
  }
}

test('the guardian is told with each renewal what gives the lock back by now', async () => {
  const stage = new Stage();
  const session = new Renewing(stage.service);
  stage.connect = async () => session;
  const run = supervise(stage.job(), stage);
  const child = await stage.started();
  session.renew();
  session.renew();
  assert.deepEqual(
    stage.entrusted.map(([farewell]) => farewell?.bytes[0]),
    [0, 0, 1, 2],
  );
  child.ends(exited(0));
  await run;
  session.renew();
  assert.equal(stage.entrusted.length, 4);
});
