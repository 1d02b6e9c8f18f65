import { constants } from 'node:os';
import { encodeRaw } from '../../util/raw-text.js';
import type { ExitStatus, SignalName } from '../child.js';
import type { Survivor } from '../survivors.js';

/*
 * What supervisor and guardian say to each other over their socket.
 *
 * To the guardian go frames: the length in bytes, `:`, and words with a NUL between each two. Neither an argument nor a
 * variable of the environment can hold a NUL. What is not UTF-8 in them (raw-text.ts) goes as the bytes that it is.
 *
 *     farewell [HEX TLS TAKEN COUNT [HOST PORT]…]…  what gives the lock back, each said when the supervisor no longer can,
 *                                         to the first of its COUNT addresses that takes it; nothing for nothing
 *     go KILL_AT COUNT WORD… NAME=VALUE…  start the command: COUNT words, then its whole environment
 *     expect                              (sibling) a command is about to be started
 *     watch KILL_AT PID START_TIME FILE   (sibling) the command was started, this is it
 *     keep KILL_AT NUMBER                 a renewal; answered by `kept NUMBER`
 *     signal N · stop N · kill            hand on · to the whole tree, and SIGCONT · SIGKILL until nobody is left
 *     done                                nothing is left to guard
 *
 * KILL_AT is when SIGKILL is due, ms of CLOCK_BOOTTIME, or empty for never. From it come lines:
 *
 *     ready · started PID · failed [cgroup] ERRNO · late · kept N · exited CODE · killed N · gone · left [PID NAME STATE];…
 */

/** One frame to the guardian. */
export function frame(...words: readonly string[]): Buffer {
  const payload = encodeRaw(words.join('\0'));
  return Buffer.concat([Buffer.from(`${payload.length}:`), payload]);
}

/**
 * How far our clock may be behind the guardian's, ms: it is joined to CLOCK_BOOTTIME in steps (`steadyClock`), and the guardian
 * reads that itself.
 */
const BEHIND_MS = 20;

/**
 * A time as frames carry it: no earlier than that by our clock, or a kill of the guardian's would be heard of as an end of the
 * command, before we know that the lease is lost.
 */
export function killAtWord(killAt: number): string {
  return Number.isFinite(killAt) ? String(Math.ceil(killAt) + BEHIND_MS) : '';
}

/** What the guardian says. */
export type Report =
  | { readonly says: 'ready' | 'late' | 'gone' }
  | { readonly says: 'started'; readonly pid: number }
  | { readonly says: 'failed'; readonly errno: number; readonly what: 'exec' | 'cgroup' }
  | { readonly says: 'kept'; readonly number: number }
  | { readonly says: 'ended'; readonly status: ExitStatus }
  | { readonly says: 'left'; readonly survivors: readonly Survivor[] };

/** Reads one line; `undefined` for one that is not of this protocol. */
export function readReport(line: string): Report | undefined {
  const [verb, ...words] = line.split(' ');
  const number = Number(words.at(-1));
  switch (verb) {
    case 'ready':
    case 'late':
    case 'gone':
      return { says: verb };
    case 'started':
      return { says: verb, pid: number };
    case 'failed':
      return { says: verb, errno: number, what: words.length > 1 ? 'cgroup' : 'exec' };
    case 'kept':
      return { says: verb, number };
    case 'exited':
      return { says: 'ended', status: { how: 'exited', code: number } };
    case 'killed':
      return { says: 'ended', status: { how: 'killed', signal: signalName(number) } };
    case 'left':
      return { says: verb, survivors: words.join(' ').split(';').flatMap(readSurvivor) };
    default:
      return undefined;
  }
}

/** None, when the guardian knows that somebody lives and no look finds him. */
function readSurvivor(text: string): Survivor[] {
  const [, pid, command, state] = /^(\d+) (.*) (\S+)$/.exec(text) ?? [];
  if (command === undefined || state === undefined) return [];
  return [{ pid: Number(pid), command, state }];
}

/** The number of a signal on this host. */
export function signalNumber(name: SignalName): number {
  return constants.signals[name];
}

function signalName(number: number): SignalName | number {
  const name = Object.entries(constants.signals).find(([, each]) => each === number)?.[0];
  // The names in os.constants.signals are the members of NodeJS.Signals.
  return (name as SignalName | undefined) ?? number;
}
