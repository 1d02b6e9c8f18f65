import type { Random } from './random.js';

/** What can go wrong with a contender's processes, its link, and the servers. One of them is double: chance alone seldom
 * brings a guardian that cannot kill together with a lease that runs out. */
export const PROCESS_FAULTS = [
  'supervisor killed',
  'supervisor frozen',
  'guardian killed',
  'guardian frozen',
  'guardian and link frozen',
] as const;
/** Outside of the promise: nobody is left who could end the tree. For the twin, which has to find two holders. */
export const BEYOND_THE_PROMISE = 'supervisor and guardian killed';
export const LINK_FAULTS = [
  'link frozen',
  'link frozen towards the client',
  'link frozen towards the servers',
  'link reset',
] as const;
export const SERVER_FAULTS = [
  'server killed',
  'server frozen',
  'server restarted',
  'leader cut off',
  'follower cut off',
] as const;

export type ProcessFault = (typeof PROCESS_FAULTS)[number] | typeof BEYOND_THE_PROMISE;
export type LinkFault = (typeof LINK_FAULTS)[number];
export type ServerFault = (typeof SERVER_FAULTS)[number];
export type FaultKind = ProcessFault | LinkFault | ServerFault;

/** One fault to come. Whom it strikes depends on who holds by then. */
export interface Step<Kind extends FaultKind = FaultKind> {
  readonly kind: Kind;
  /** At a holder, if there is one; at anybody otherwise. */
  readonly atHolder: boolean;
  /** Chooses among several targets, 0 to 1. */
  readonly choice: number;
  /** How long it lasts, where it is not over at once, ms. */
  readonly lastsMs: number;
  /** Quiet after it, ms. */
  readonly thenMs: number;
}

/**
 * A sequence of faults without an end, each kind once in a round; none when there are no kinds. Two of five are short, such as a holder has to ride out;
 * the others last about as long as a lease.
 * @param ttlMs session timeout
 */
export function* stepsOf<Kind extends FaultKind>(
  kinds: readonly Kind[],
  random: Random,
  ttlMs: number,
): Generator<Step<Kind>, void> {
  while (kinds.length > 0) {
    for (const kind of random.shuffled(kinds)) {
      const short = random.next() < 0.4;
      yield {
        kind,
        atHolder: random.next() < 0.75,
        choice: random.next(),
        lastsMs: ttlMs * (short ? random.between(0.03, 0.3) : random.between(0.6, 1.3)),
        thenMs: ttlMs * random.between(0.3, 0.9),
      };
    }
  }
}

/** What a contender's next command does: the arguments of `hostile.pl` after the permits. */
export interface Part {
  readonly shape: string;
  readonly mood: string;
  readonly seconds: number;
  readonly status: number;
}

/** The shapes whose processes are all found by looking over `/proc` (`--isolation=walk`). */
const WALKABLE = ['alone', 'children', 'daemons', 'stopped', 'rabbits'];

/** @param scrubbed whether daemons that throw their environment away are among them: not every level finds those */
export function partOf(random: Random, scrubbed: boolean): Part {
  return {
    shape: random.pick(scrubbed ? [...WALKABLE, 'scrubbed'] : WALKABLE),
    mood: random.pick(['plain', 'deaf', 'slow']),
    seconds: random.next() < 0.6 ? Math.round(random.between(0.2, 3) * 100) / 100 : 0,
    status: random.pick([0, 3]),
  };
}
