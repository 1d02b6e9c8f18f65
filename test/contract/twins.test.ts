import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Claim, Contender, Lease, LockBackend, Traits } from '../../src/backend/contract.js';
import { MemoryBackend, MemoryService } from '../../src/backend/memory/index.js';
import type { Ground } from '../../src/testing/bench.js';
import { check, sentences } from '../../src/testing/suite.js';
import { UsageError } from '../../src/util/errors.js';

/** A memory backend that keeps the contract, to be broken in one place. */
class Twin implements LockBackend {
  readonly farewells = [];
  readonly service: MemoryService;
  readonly sound: MemoryBackend;
  readonly traits: Traits;

  constructor(service: MemoryService) {
    this.service = service;
    this.sound = new MemoryBackend(service);
    this.traits = this.sound.traits;
  }

  acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
    return this.sound.acquire(claim, signal);
  }

  tryAcquire(claim: Claim, signal: AbortSignal): Promise<Lease | undefined> {
    return this.sound.tryAcquire(claim, signal);
  }

  contenders(resource: string, signal: AbortSignal): Promise<readonly Contender[]> {
    return this.sound.contenders(resource, signal);
  }

  owns(): Promise<boolean> {
    return this.sound.owns();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.sound[Symbol.asyncDispose]();
  }
}

/** The lease, altered in one place. */
function altered(lease: Lease, part: Partial<Lease>): Lease {
  return {
    fencingToken: lease.fencingToken,
    budget: lease.budget,
    evidence: lease.evidence,
    deadline: lease.deadline,
    lost: lease.lost,
    onRenewed: (listener) => lease.onRenewed(listener),
    isLost: () => lease.isLost(),
    release: () => lease.release(),
    [Symbol.asyncDispose]: () => lease.release(),
    ...part,
  };
}

type Kind = new (service: MemoryService) => Twin;

/** Runs the one sentence whose title matches against a backend. */
async function ask(title: RegExp, Kind: Kind): Promise<string | undefined> {
  const [sentence, ...more] = sentences.filter((each) => title.test(each.title));
  assert.ok(sentence !== undefined && more.length === 0, `${title} means one sentence`);
  const setup = async (): Promise<Ground> => {
    const service = new MemoryService();
    return {
      open: async () => new Kind(service),
      sabotage: async (backend) => service.expire(backend instanceof Twin ? backend.sound : backend),
      residue: async () => service.resources,
      cleanup: async () => {},
      limitMs: 300,
    };
  };
  return check(sentence, setup);
}

/** A broken backend must fail a sentence, and for want of patience if that cannot see why. */
async function fails(title: RegExp, Broken: Kind): Promise<void> {
  await assert.rejects(ask(title, Broken), Error, `${title} let a broken backend pass`);
}

test('the contract suite says of a backend without readers that the sentences about them do not apply', async () => {
  class NoReaders extends Twin {
    override readonly traits = { ...this.sound.traits, shared: false };
    override async acquire(claim: Claim, signal: AbortSignal) {
      if (claim.mode === 'shared') throw new UsageError('expected a lock, got a reader: there are none');
      return this.sound.acquire(claim, signal);
    }
    override async tryAcquire(claim: Claim, signal: AbortSignal) {
      if (claim.mode === 'shared') throw new UsageError('expected a lock, got a reader: there are none');
      return this.sound.tryAcquire(claim, signal);
    }
  }
  assert.equal(await ask(/^lets readers hold together/, NoReaders), 'no readers');
  assert.equal(await ask(/^keeps writers out for the hold/, NoReaders), 'no readers');
  assert.equal(await ask(/^keeps resources apart/, NoReaders), undefined);
});

test('the contract suite fails a backend that says it has no readers, and makes locks of them', async () => {
  class FakesReaders extends Twin {
    override readonly traits = { ...this.sound.traits, shared: false };
  }
  await fails(/^lets readers hold together/, FakesReaders);
});

test('the contract suite fails a backend that always grants', async () => {
  let resource = 0;
  class AlwaysGrants extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      resource += 1;
      return this.sound.acquire({ ...claim, resource: `${claim.resource}${resource}` }, signal);
    }
  }
  await fails(/^makes a second contender wait until/, AlwaysGrants);
  await fails(/^makes a second contender of the same session wait/, AlwaysGrants);
  await fails(/^serves ten contenders/, AlwaysGrants);
  await fails(/^never has more holders than permits/, AlwaysGrants);
  await fails(/^refuses a semaphore where a lock/, AlwaysGrants);
});

test('the contract suite fails a backend that leaves a contender behind when a waiter aborts', async () => {
  class LeavesWaiter extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      const granted = this.sound.acquire(claim, new AbortController().signal);
      return new Promise<Lease>((resolve, reject) => {
        granted.then(resolve, reject);
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    }
  }
  await fails(/^lets a waiter leave/, LeavesWaiter);
  await fails(/^lets one leave at the moment/, LeavesWaiter);
  await fails(/^grants to the next when a waiter before it/, LeavesWaiter);
  await fails(/^gives every permit back to use when a waiter/, LeavesWaiter);
  await fails(/^never loses a permit to one who leaves/, LeavesWaiter);
});

test('the contract suite fails a backend whose waiter that does not want to wait stays in line', async () => {
  class NeverSaysNo extends Twin {
    override async tryAcquire(claim: Claim, signal: AbortSignal) {
      const waiting = this.sound.acquire(claim, signal);
      return Promise.race([
        waiting,
        new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
      ]);
    }
  }
  await fails(/^sends one who does not want to wait away/, NeverSaysNo);
});

test('the contract suite fails a backend that takes a permit back twice', async () => {
  const last = new Map<MemoryService, Lease>();
  class TakesBackTwice extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal) {
      const lease = await this.sound.acquire(claim, signal);
      last.set(this.service, lease);
      const { service } = this;
      const release = async () => last.get(service)?.release();
      return altered(lease, { release, [Symbol.asyncDispose]: release });
    }
  }
  await fails(/^takes a lock back once/, TakesBackTwice);
});

test('the contract suite fails a backend that does not tell of a loss', async () => {
  class KeepsQuiet extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      const lease = await this.sound.acquire(claim, signal);
      return altered(lease, { lost: new AbortController().signal, isLost: () => false });
    }
  }
  await fails(/^tells the holder once/, KeepsQuiet);
});

test('the contract suite fails a backend that loses its session and keeps the permit', async () => {
  class OutlivesItself extends Twin {
    override async [Symbol.asyncDispose]() {}
  }
  await fails(/^gives back what a session holds/, OutlivesItself);
  await fails(/^takes the waiters of a session out/, OutlivesItself);
});

test('the contract suite fails a backend that says it is fair and is not', async () => {
  class LastComeFirstServed extends Twin {
    static readonly #lines = new Map<MemoryService, (() => Promise<void>)[]>();
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      const line = LastComeFirstServed.#lines.get(this.service) ?? [];
      LastComeFirstServed.#lines.set(this.service, line);
      const { onQueue, ...silent } = claim;
      for (;;) {
        const lease = await this.sound.tryAcquire(silent, signal);
        if (lease !== undefined) {
          const release = async () => {
            await lease.release();
            await line.pop()?.();
          };
          return altered(lease, { release, [Symbol.asyncDispose]: release });
        }
        onQueue?.(await this.contenders(claim.resource, signal));
        await new Promise<void>((resolve, reject) => {
          line.push(async () => resolve());
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        });
      }
    }
  }
  await fails(/^serves ten contenders/, LastComeFirstServed);
});

test('the contract suite fails a backend whose tokens do not rise', async () => {
  class CountsDown extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      const lease = await this.sound.acquire(claim, signal);
      return altered(lease, { fencingToken: -(lease.fencingToken ?? 0n) });
    }
  }
  await fails(/^numbers its grants in rising order/, CountsDown);
});

test('the contract suite fails a backend that lists waiters before holders, or itself as somebody else', async () => {
  class Confused extends Twin {
    override async contenders(resource: string, signal: AbortSignal) {
      return [...(await this.sound.contenders(resource, signal))].reverse();
    }
    override acquire(claim: Claim, signal: AbortSignal) {
      const onQueue = (contenders: readonly Contender[]) =>
        claim.onQueue?.(contenders.map((contender) => ({ ...contender, self: !contender.self })));
      return this.sound.acquire({ ...claim, onQueue }, signal);
    }
  }
  await fails(/^tells who holds and, where/, Confused);
  await fails(/^tells a waiter whom it waits for/, Confused);
});

test('the contract suite fails a backend whose minimum hold ends with the lease', async () => {
  class HoldsNothing extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, holdMs: 0 }, signal);
    }
  }
  await fails(/^keeps a permit for its minimum hold/, HoldsNothing);
  await fails(/^keeps it when the lease is lost/, HoldsNothing);
  await fails(/^keeps it when the session is closed/, HoldsNothing);
  await fails(/^counts the hold of each grant/, HoldsNothing);
  await fails(/^shows who keeps a permit/, HoldsNothing);
  await fails(/^keeps one permit of several/, HoldsNothing);
  await fails(/^keeps writers out for the hold/, HoldsNothing);
});

test('the contract suite fails a backend whose minimum hold is too long, or counts from the end', async () => {
  class HoldsLong extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, holdMs: (claim.holdMs ?? 0) * 100 }, signal);
    }
  }
  await fails(/^keeps it no longer than that/, HoldsLong);
  await fails(/^leaves nothing behind once a hold/, HoldsLong);
});

test('the contract suite fails a backend that keeps a permit for one who never had it', async () => {
  class HoldsForWaiters extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal) {
      try {
        return await this.sound.acquire(claim, signal);
      } catch (error) {
        const stray = this.sound.acquire({ ...claim, onQueue: () => {} }, new AbortController().signal);
        stray.then(
          (lease) => lease.release(),
          () => {},
        );
        throw error;
      }
    }
  }
  await fails(/^keeps nothing for one who was sent away/, HoldsForWaiters);
});

test('the contract suite fails a backend that grants what is lost already, or says of what was given back that it was lost', async () => {
  class GrantsLost extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      return altered(await this.sound.acquire(claim, signal), { isLost: () => true });
    }
  }
  await fails(/^grants a free lock at once/, GrantsLost);
  await fails(/^takes back a lease that was lost/, GrantsLost);
  class LosesInTheEnd extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      const lease = await this.sound.acquire(claim, signal);
      const loss = new AbortController();
      const release = async () => {
        loss.abort();
        await lease.release();
      };
      return altered(lease, { lost: loss.signal, release });
    }
  }
  await fails(/^grants a lock again and again/, LosesInTheEnd);
});

test('the contract suite fails a backend that sends everybody away who does not want to wait', async () => {
  class NeverFree extends Twin {
    override async tryAcquire() {
      return undefined;
    }
  }
  await fails(/^grants one who does not want to wait a free lock/, NeverFree);
});

test('the contract suite fails a backend that lets one contend who has given up', async () => {
  class IgnoresSignal extends Twin {
    override acquire(claim: Claim) {
      return this.sound.acquire(claim, new AbortController().signal);
    }
  }
  await fails(/^does not let one contend whose signal/, IgnoresSignal);
});

test('the contract suite fails a backend that takes different names for one, or not every name', async () => {
  class OneForAll extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, resource: 'all' }, signal);
    }
  }
  await fails(/^keeps resources apart/, OneForAll);
  class PlainNames extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, resource: claim.resource.replace(/[^a-z/]/g, '') }, signal);
    }
  }
  await fails(/^takes odd names/, PlainNames);
});

test('the contract suite fails a backend that miscounts its permits, or does not care what a name is in use as', async () => {
  class OneTooMany extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, permits: claim.permits + 1 }, signal);
    }
  }
  await fails(/^grants as many permits as there are/, OneTooMany);
  class EachKindByItself extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, resource: `${claim.resource}-${claim.permits}` }, signal);
    }
  }
  await fails(/^refuses another number of permits/, EachKindByItself);
  await fails(/^refuses a lock where a semaphore/, EachKindByItself);
  await fails(/^refuses a semaphore where a lock/, EachKindByItself);
});

test('the contract suite fails a backend that makes something else of a claim that it cannot keep', async () => {
  class TakesAnything extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, permits: 1 }, signal);
    }
  }
  await fails(/^refuses claims that cannot be kept/, TakesAnything);
});

test('the contract suite fails a backend whose readers are writers, or whose writers are readers', async () => {
  class NoReaders extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, mode: 'exclusive' }, signal);
    }
  }
  await fails(/^lets readers hold together/, NoReaders);
  class NoWriters extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      return this.sound.acquire({ ...claim, mode: claim.permits > 1 ? 'exclusive' : 'shared' }, signal);
    }
  }
  await fails(/^lets readers hold together/, NoWriters);
  await fails(/^makes a reader wait for a writer/, NoWriters);
});

test('the contract suite fails a backend that says of every lease that it is held', async () => {
  class AlwaysOurs extends Twin {
    override async acquire(claim: Claim, signal: AbortSignal): Promise<Lease> {
      return altered(await this.sound.acquire(claim, signal), { evidence: 'a lease' });
    }
    override async owns() {
      return true;
    }
  }
  await fails(/^tells another session whether a lease/, AlwaysOurs);
});

test('the contract suite fails a backend that lists waiters in another order, tells of the line once, or is seen to have looked', async () => {
  class Backwards extends Twin {
    override async contenders(resource: string, signal: AbortSignal) {
      const [holder, ...waiters] = await this.sound.contenders(resource, signal);
      return [...(holder ? [holder] : []), ...waiters.reverse()];
    }
  }
  await fails(/^tells waiters in order of arrival/, Backwards);
  class TellsOnce extends Twin {
    override acquire(claim: Claim, signal: AbortSignal) {
      let told = false;
      const onQueue = (contenders: readonly Contender[]) => {
        if (!told) claim.onQueue?.(contenders);
        told = true;
      };
      return this.sound.acquire({ ...claim, onQueue }, signal);
    }
  }
  await fails(/^tells a waiter again when the holder changes/, TellsOnce);
  class LeavesTrace extends Twin {
    override async contenders(resource: string, signal: AbortSignal) {
      const found = await this.sound.contenders(resource, signal);
      const identity = { host: 'looker.example', pid: 1, command: 'look' };
      await this.sound.acquire({ resource, permits: 1, mode: 'exclusive', identity }, signal);
      return found;
    }
  }
  await fails(/^knows nobody at a resource/, LeavesTrace);
});

test('each sentence of the contract has a twin: a broken backend that it fails', () => {
  const twins = readFileSync(import.meta.filename, 'utf8');
  const known = [...twins.matchAll(/await fails\(\/(\^[^/]+)\//g)].map(([, title = '']) => new RegExp(title));
  const without = sentences.filter(({ title }) => !known.some((pattern) => pattern.test(title)));
  assert.deepEqual(
    without.map(({ title }) => title),
    [],
  );
});
