import type { Contender, Traits } from '../backend/contract.js';
import type { Logger } from './logger.js';
import { describeQueue } from './waiting.js';

/**
 * Tells who holds and where we stand: on a terminal by a spinner, elsewhere by one line for each change.
 * @param queue how the service serves
 * @param now the date, for the times of day
 */
export function onlooker(
  { log, spinner }: Pick<Logger, 'log' | 'spinner'>,
  queue: Traits['queue'],
  now: () => Date,
): (contenders: readonly Contender[]) => void {
  let last: string | undefined;
  return (contenders) => {
    const { message, fields } = describeQueue(contenders, queue, now());
    if (spinner !== undefined) return spinner.show(message);
    if (message !== last) log.info(fields, message);
    last = message;
  };
}
