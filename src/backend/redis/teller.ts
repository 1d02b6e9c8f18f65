import type { Claim, Contender } from '../contract.js';

/** Tells a waiter of the holder and of its own place, when either has changed. */
export class Teller {
  #last = '';
  constructor(
    private readonly claim: Claim,
    private readonly look: (signal: AbortSignal) => Promise<readonly Contender[]>,
  ) {}

  async tell(signal: AbortSignal): Promise<void> {
    if (this.claim.onQueue === undefined) return;
    const contenders = await this.look(signal);
    // Nobody answers, or we are not among them yet: there is nothing to tell.
    if (contenders.length === 0) return;
    const holders = contenders.filter(({ state }) => state === 'holding');
    const place = contenders.findIndex(({ self }) => self);
    const told = JSON.stringify([holders, place]);
    if (told === this.#last) return;
    this.#last = told;
    this.claim.onQueue(contenders);
  }
}
