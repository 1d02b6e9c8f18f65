import { delay } from '../../util/abort.js';
import type { Timer } from '../../util/clock.js';
import { NotPermittedError, SessionLostError } from '../../util/errors.js';
import { kindOf, wrongKind } from '../claim.js';
import type { Claim, Contender } from '../contract.js';
import { SIGNS_PER_TTL } from '../lease-budget.js';
import { plainly } from './failure.js';
import { Hold } from './hold.js';
import { contendersOf, isEntitled, type Line, otherKind } from './line.js';
import { readLine } from './look.js';
import { type Place, PlaceDeletedError, placeExpired } from './place.js';
import type { Session } from './session.js';
import { follow } from './watch.js';

/** What a permit is granted upon: the last answered renewal may be so old, as a part of the time to live. */
const FRESH = 1 / 6;

/**
 * Stands in line until the permit is ours and confirmed; `false` if `wait` is false and it is not free. On any other way
 * out than true, the caller gives up the place.
 * @throws WrongKindError, PlaceDeletedError, SessionLostError, and what the session and `signal` throw
 */
export async function standInLine(
  session: Session,
  place: Place,
  claim: Claim,
  wait: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const first = await place.join(signal);
  const report = reporter(place, claim);
  const pulse = new Pulse(session, place);
  const either = AbortSignal.any([signal, pulse.lost]);
  let [entitled, judged] = [false, false];
  try {
    const visit = (keys: typeof first.keys) => {
      if (!place.isOurs(keys.get(place.key))) throw new PlaceDeletedError(place.key);
      const line = readLine(place.directory, keys);
      const index = line.places.findIndex(({ id }) => id === place.id);
      if (!judged) refuseOtherKind(line, index, claim);
      judged = true;
      entitled = isEntitled(line, index);
      if (!entitled && wait) report(line, index);
      return entitled || !wait;
    };
    await follow(session, place.line, first, visit, either);
    if (entitled) await confirm(session, place, claim, either);
    return entitled;
  } finally {
    pulse.stop();
  }
}

/** The last step, with the minimum hold in it; done again until it stands on a fresh renewal, and the hold lasts from now. */
async function confirm(session: Session, place: Place, claim: Claim, signal: AbortSignal): Promise<void> {
  const hold = Hold.of(session, place, claim);
  const isStale = () => session.clock.now() - place.renewedAt > place.ttlMs * FRESH;
  try {
    const beside = hold === undefined ? [] : [await hold.prepare(signal)];
    await place.confirm(beside, signal);
    do {
      while (isStale()) await refresh(session, place, signal);
      await hold?.begin(signal);
    } while (isStale());
    signal.throwIfAborted();
  } catch (error) {
    await hold?.drop();
    throw error;
  }
}

/** Tries once to have a place kept; after a failure it waits a while. */
async function refresh(session: Session, place: Place, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const renewal = await place.renew().catch((error: unknown) => {
    session.log.debug({}, `a renewal failed: ${plainly(error)}`);
    return undefined;
  });
  if (renewal?.how === 'lost') throw placeLost(place, renewal.cause);
  if (renewal === undefined) await delay(place.ttlMs / SIGNS_PER_TTL, session.clock, signal);
}

function placeLost(place: Place, cause: string): Error {
  if (cause === 'deleted') return new PlaceDeletedError(place.key);
  return placeExpired(place.id);
}

function outOfReach(silentMs: number): SessionLostError {
  const silence = `no etcd server answered for ${Math.round(silentMs)} ms`;
  return new SessionLostError(`${silence}, longer than the time to live of our place in line`);
}

/**
 * Of two of different kinds that come at the same time, the one whose key was made later sees the other's.
 * @throws WrongKindError
 */
function refuseOtherKind(line: Line, index: number, claim: Claim): void {
  const other = otherKind(line, index);
  if (other === undefined) return;
  const { permits } = other.told;
  throw wrongKind(claim.resource, kindOf({ permits }), kindOf(claim));
}

/** Tells a waiter's listener who holds and who is before us, once each time that this changes. */
function reporter(place: Place, { onQueue }: Claim): (line: Line, index: number) => void {
  let told = '';
  return ({ places, ghosts }, index) => {
    const self = (id: string) => id === place.id;
    const contenders: readonly Contender[] = contendersOf(
      { ghosts, places: places.slice(0, index + 1) },
      self,
    );
    const now = JSON.stringify(contenders.map(({ since: _, ...rest }) => rest));
    if (now === told) return;
    told = now;
    onQueue?.(contenders);
  };
}

/** Keeps a place in line as a lease is kept, and notices when it is lost all the same. */
class Pulse {
  readonly #session: Session;
  readonly #place: Place;
  readonly #loss = new AbortController();
  #timer: Timer | undefined;
  #stopped = false;

  constructor(session: Session, place: Place) {
    this.#session = session;
    this.#place = place;
    this.#schedule();
  }

  get lost(): AbortSignal {
    return this.#loss.signal;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = this.#session.clock.setTimer(this.#place.ttlMs / SIGNS_PER_TTL, () => void this.#beat());
  }

  async #beat(): Promise<void> {
    const { clock, log } = this.#session;
    try {
      const renewal = await this.#place.renew();
      if (renewal.how === 'lost') {
        this.stop();
        this.#loss.abort(placeLost(this.#place, renewal.cause));
      }
    } catch (error) {
      if (error instanceof SessionLostError) return this.stop();
      if (error instanceof NotPermittedError) {
        this.stop();
        return this.#loss.abort(error);
      }
      log.debug({}, `a renewal failed: ${plainly(error)}`);
      const silentMs = clock.now() - this.#place.renewedAt;
      if (silentMs > this.#place.ttlMs) {
        this.stop();
        this.#loss.abort(outOfReach(silentMs));
      }
    }
    this.#schedule();
  }
}
