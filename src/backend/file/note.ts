import type { Contender, Identity } from '../contract.js';

/** The line that is added to a note when its contender gets a permit. */
export const HOLDING_LINE = 'holding\n';

/** What a contender writes about itself when it comes: `host:pid command`. */
export function formatNote({ host, pid, command }: Identity): string {
  return `${host}:${pid} ${command.replace(/[\r\n]+/g, ' ')}\n`;
}

/**
 * Reads a note; of one that says nothing we understand, only the state is known.
 * @param since when it was last written to: on coming, or on getting the permit
 */
export function parseNote(text: string, since: Date, self: boolean): Contender {
  const [first = '', ...rest] = text.split('\n');
  const [, host, pid, command] = /^(\S+?):(\d+) (.*)$/.exec(first) ?? [];
  return {
    state: rest.includes(HOLDING_LINE.trim()) ? 'holding' : 'waiting',
    host,
    pid: pid === undefined ? undefined : Number(pid),
    command,
    since,
    self,
  };
}

/** Holders first, then waiters; each by how long they have been. */
export function inOrder(contenders: readonly Contender[]): readonly Contender[] {
  const rank = ({ state, since }: Contender) => (state === 'holding' ? 0 : 1e15) + (since?.getTime() ?? 0);
  return [...contenders].sort((a, b) => rank(a) - rank(b));
}
