/** What one contender did, ms since the demo began. */
export interface Lane {
  readonly name: string;
  /** When its command ticked. */
  readonly ticks: readonly number[];
  /** When its lockex was running: waiting, if nothing ticks. */
  readonly runs: readonly Span[];
  /** What was done to it, and how long it lasted. */
  readonly faults: readonly (Span & { readonly sign: string })[];
}

export interface Span {
  readonly from: number;
  /** `undefined` while it goes on. */
  readonly to: number | undefined;
}

/** How a cell is coloured on a terminal: SGR parameters. */
const COLOURS = { ticks: '0;32', struck: '0;33', fault: '1;31', waits: '0;2', none: '0' } as const;
type Look = keyof typeof COLOURS;

/** What the signs mean; narrow enough for any terminal, since a line that wraps cannot be drawn over. */
export const LEGEND = [
  '#  holds, and ticks     .  waits     ~  struck, and silent',
  'K  kill -9     F  frozen     X  link cut',
];

/** One line a contender, time from left to right. */
export function drawLanes(
  lanes: readonly Lane[],
  untilMs: number,
  options: { readonly cellMs: number; readonly colour: boolean },
): string[] {
  return lanes.map((lane) => {
    let line = '';
    let last: Look = 'none';
    for (let from = 0; from < untilMs; from += options.cellMs) {
      const { sign, look } = cellOf(lane, from, Math.min(from + options.cellMs, untilMs));
      if (options.colour && look !== last) line += sgr(look);
      line += sign;
      last = look;
    }
    if (options.colour) line += sgr('none');
    return `  ${lane.name}  ${line}`.trimEnd();
  });
}

function sgr(look: Look): string {
  return `\x1b[${COLOURS[look]}m`;
}

function cellOf(lane: Lane, from: number, to: number): { sign: string; look: Look } {
  const within = (at: number) => at >= from && at < to;
  const touches = (span: Span) => span.from < to && (span.to ?? Number.POSITIVE_INFINITY) > from;
  const struck = lane.faults.find((fault) => within(fault.from));
  if (struck !== undefined) return { sign: struck.sign, look: 'fault' };
  const suffers = lane.faults.some(touches);
  if (lane.ticks.some(within)) return { sign: '#', look: suffers ? 'struck' : 'ticks' };
  if (suffers) return { sign: '~', look: 'struck' };
  if (lane.runs.some(touches)) return { sign: '.', look: 'waits' };
  return { sign: ' ', look: 'none' };
}
