import { nextTick } from 'node:process';

/** Something that will happen. */
export interface Happening {
  readonly at: number;
  /** Of two at the same moment the one that was foreseen first comes first. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/**
 * Virtual time: what is to happen, in order, and nothing in between. There are no real timers.
 *
 * What runs the product's code leaves promises behind, and those have to settle before the next thing happens:
 * whoever runs product code says so by `touchedPromises`. A `nextTick` from within a microtask comes when the queue of
 * microtasks is empty, however long the chains in it are, and costs a hundredth of a `setImmediate`.
 */
export class Timeline {
  now = 0;
  /** Writes one line of what happened, when somebody reads it. */
  say: ((text: string) => void) | undefined;
  readonly #heap: Happening[] = [];
  #order = 0;
  #unsettled = false;

  /** @param at virtual ms; what lies in the past happens next */
  at(at: number, run: () => void): Happening {
    const happening = { at: at > this.now ? at : this.now, order: this.#order++, run, cancelled: false };
    this.#push(happening);
    return happening;
  }

  in(ms: number, run: () => void): Happening {
    return this.at(this.now + ms, run);
  }

  /** Product code has run: its promises settle before the next thing happens. */
  touchedPromises(): void {
    this.#unsettled = true;
  }

  /** Lets things happen until `done` says so, or nothing is left to happen, or `limit` of them have. */
  async run(done: () => boolean, limit: number): Promise<void> {
    for (let count = 0; count < limit && !done(); count += 1) {
      const next = this.#pop();
      if (next === undefined) return;
      if (next.cancelled) continue;
      this.now = next.at;
      next.run();
      if (!this.#unsettled) continue;
      this.#unsettled = false;
      await new Promise<void>((resolve) => nextTick(resolve));
    }
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(happening);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || before(above, happening)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, below)) {
        child += 1;
        below = right;
      }
      if (before(last, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
