import { summary } from '../measure.js';
import { LOOK_MS, type Outcome } from './round.js';
import { type Runner, SESSION_S } from './stage.js';

const TITLE = 40;
const [HALF, WHOLE] = [18, 37];

const triple = (values: readonly number[]) => {
  const { min, median, max } = summary(values);
  return [min, median, max].map((value) => value.toFixed(0).padStart(HALF / 3)).join('');
};

function cell(outcomes: readonly Outcome[] | undefined): string {
  if (outcomes === undefined) return '–'.padStart(HALF).padEnd(WHOLE);
  if (outcomes.length === 0) return 'failed'.padStart(HALF).padEnd(WHOLE);
  return `${triple(outcomes.map((it) => it.overlapMs))} ${triple(outcomes.map((it) => it.nextMs))}`;
}

const columns = (title: string, cells: readonly string[]) => `${title.padEnd(TITLE)} ${cells.join(' | ')}`;

/** What is above the rows. */
export function heading(runners: readonly Runner[], rounds: number): string {
  const halves = `${'together'.padStart(HALF)} ${'next'.padStart(HALF)}`;
  return [
    `Session timeout ${SESSION_S} s, ${rounds} rounds each: min, median and max in ms.`,
    `together: processes of both holders were alive, looked at for ${LOOK_MS} ms after the takeover`,
    `next: from the fault to the start of the next holder's command`,
    '',
    columns(
      '',
      runners.map(({ name }) => name.padStart(WHOLE)),
    ),
    columns(
      'fault',
      runners.map(() => halves),
    ),
  ].join('\n');
}

/** One row: a fault on each runner; no outcomes where it failed, `undefined` where it was not tried. */
export function line(title: string, cells: readonly (readonly Outcome[] | undefined)[]): string {
  return columns(title, cells.map(cell));
}

/** What is below the rows: how near each runner came to two at once. */
export function footing(outcomes: ReadonlyMap<Runner, readonly Outcome[]>): string {
  return [...outcomes]
    .filter(([, all]) => all.length > 0)
    .map(([{ name }, all]) => {
      const worst = Math.max(...all.map((it) => it.overlapMs));
      const gaps = all.filter((it) => it.overlapMs === 0).map((it) => it.gapMs);
      const nearest =
        gaps.length === 0 ? '' : `; without, at least ${Math.min(...gaps).toFixed(1)} ms from death to start`;
      return `${name}: ${all.length} rounds, at worst ${worst.toFixed(0)} ms together${nearest}`;
    })
    .join('\n');
}
