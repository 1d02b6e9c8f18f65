import type { Stat } from 'node-zookeeper-client';
import type { Timer } from '../../util/clock.js';
import type { Claim } from '../contract.js';
import { SIGNS_PER_TTL } from '../lease-budget.js';
import { attend } from './attend.js';
import type { Grant } from './grant.js';
import { encodeMarker, excludesMode, type Marker, readMarkers } from './hold-markers.js';
import type { Recipe } from './lock-queue.js';
import { encodeIdentity, heldPath } from './node-data.js';
import { failedWith } from './operation-error.js';

/**
 * By how much longer than its hold a holder waits before it takes its own marker for one that has passed, ms: its clock
 * may run ahead of the servers' by 500 ppm, and by 20 ms at once. Later ones ask the servers.
 */
const CLOCKS_MS = 1000;

/**
 * The minimum hold: for so long from the grant on, nobody else is granted the permit.
 *
 * A persistent marker beside the queue, made right after the confirming write and before the lease is handed out, so
 * that it is there however the lease ends, and nobody has to stay for it. Whether it still binds is judged by the
 * servers' clock alone: the time of its last write against that of a write of whoever asks. It is not in the queue's own
 * directory, where kazoo and older versions of ours would see it; they do not look for it.
 *
 * A marker that has passed is removed by the next contender that sees it. Not promised: the time itself when another
 * leader is elected whose clock differs; it is shifted by that.
 */
export class Hold {
  readonly #recipe: Recipe;
  readonly #path: string;
  readonly #claim: Claim;
  readonly #passed = new Map<string, Marker>();
  #hasDirectory = false;
  #timer: Timer | undefined;
  #ours: { readonly marker: string; readonly markedAt: number } | undefined;

  /** @param path the resource's node, whose children are its contenders or its permits */
  constructor(recipe: Recipe, path: string, claim: Claim) {
    this.#recipe = recipe;
    this.#path = path;
    this.#claim = claim;
  }

  /**
   * It is our turn: waits until no hold of those who held before us binds us. They left before our turn came, so that
   * a read behind that shows all their markers; where there are none, it goes together with the confirming write.
   * @param confirm the write to our node that confirms it
   * @param mayWait asked before waiting; `false` gives up
   * @returns the grant; `undefined` when it gave up
   */
  async whenFree(
    confirm: () => Promise<Grant>,
    mayWait: () => Promise<boolean>,
    report: (kept: readonly Marker[]) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Grant | undefined> {
    const { session, clock } = this.#recipe;
    try {
      const { grant } = await attend(session, clock, signal, async (wake) => {
        const [confirmed, markers] = await Promise.all([confirm(), this.read(wake)]);
        const binding = this.binding(markers, confirmed.stat, wake);
        const kept = binding.filter((marker) => excludesMode(marker, this.#claim.mode));
        if (kept.length === 0) return { grant: confirmed };
        if (!(await mayWait())) return { grant: undefined };
        await report(kept);
        return undefined;
      });
      return grant;
    } finally {
      this.rest();
    }
  }

  /** The markers beside the resource. */
  async read(onChange?: () => void): Promise<Marker[]> {
    const markers = await readMarkers(this.#recipe.session.nodes, this.#path, onChange);
    if (markers.length > 0) this.#hasDirectory = true;
    return markers;
  }

  /**
   * Those that bind, as of a write that came after they were read or together with that.
   * @param wake called when the next of them has passed, until {@link rest}
   */
  binding(markers: readonly Marker[], { mtime }: Stat, wake: () => void): Marker[] {
    const now = Number(mtime.readBigInt64BE());
    for (const marker of markers) if (marker.until <= now) this.#passed.set(marker.path, marker);
    const binding = markers.filter(({ until }) => now < until);
    this.#timer?.cancel();
    if (binding.length > 0) {
      const leftMs = Math.min(...binding.map(({ until }) => until)) - now;
      this.#timer = this.#recipe.clock.setTimer(leftMs + 1, wake);
    }
    return binding;
  }

  /** Nobody is to be woken any more. */
  rest(): void {
    this.#timer?.cancel();
  }

  /**
   * Writes our marker, if the claim wants a hold. Where that took so long that the lease would begin with little of
   * its time, it is confirmed anew and counts from there, as does the hold. Once: servers that are slow again are slow,
   * and the lease begins with what is left. To go on would be to keep the permit, from all others and without a word.
   */
  async mark(first: Grant, confirm: () => Promise<Grant>, signal: AbortSignal): Promise<Grant> {
    const { holdMs = 0, identity } = this.#claim;
    if (holdMs === 0) return first;
    const { session, clock } = this.#recipe;
    const marker = `${heldPath(this.#path)}${first.path.slice(first.path.lastIndexOf('/'))}`;
    let grant = first;
    for (let writes = 1; ; writes += 1) {
      const beganAt = clock.now();
      this.#ours = { marker, markedAt: Number.POSITIVE_INFINITY };
      await this.#write(marker, encodeMarker(holdMs, encodeIdentity(identity)), signal);
      this.#ours = { marker, markedAt: clock.now() };
      if (writes === 2 || clock.now() - beganAt <= session.ttlMs / SIGNS_PER_TTL) return grant;
      grant = await confirm();
    }
  }

  /** There was no grant after all: nothing is kept. Never rejects: the marker may stay, at the cost of the hold. */
  async unmark(): Promise<void> {
    const ours = this.#ours;
    if (ours === undefined) return;
    this.#ours = undefined;
    await this.#recipe.session
      .persist(() => this.#recipe.session.nodes.remove(ours.marker), new AbortController().signal)
      .catch(() => {});
  }

  /** The permit is about to be given back: a hold of ours that has passed is not left for others to look at. */
  async removeIfPassed(): Promise<void> {
    const { clock } = this.#recipe;
    const { holdMs = 0 } = this.#claim;
    if (this.#ours && clock.now() - this.#ours.markedAt > holdMs + CLOCKS_MS) await this.unmark();
  }

  /** Removes what has passed, and the directory of the markers if it is empty. Never rejects. */
  async tidy(): Promise<void> {
    if (!this.#hasDirectory) return;
    const { nodes } = this.#recipe.session;
    // Not one that has been written anew since we read it.
    const passed = [...this.#passed.values()].map(({ path, version }) => nodes.remove(path, version));
    await Promise.allSettled([...passed, nodes.remove(heldPath(this.#path))]);
  }

  /** The name is ours alone: a create whose reply was lost has been done. It is written again, for its time. */
  async #write(marker: string, data: Buffer, signal: AbortSignal): Promise<void> {
    const { session, parents } = this.#recipe;
    const create = () => session.nodes.create(marker, data, 'persistent');
    this.#hasDirectory = true;
    for (;;) {
      try {
        await session.persist(create, signal);
        return;
      } catch (error) {
        if (failedWith(error, 'NODE_EXISTS')) {
          await session.persist(() => session.nodes.setData(marker, data), signal);
          return;
        }
        if (!failedWith(error, 'NO_NODE')) throw error;
        await parents.ensure(heldPath(this.#path), Buffer.alloc(0), signal);
      }
    }
  }
}
