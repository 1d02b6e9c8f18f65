import { test } from 'node:test';
import { Bench, type Setup } from './bench.js';
import { holdSentences } from './hold-sentences.js';
import { lockSentences } from './lock-sentences.js';
import { lossSentences } from './loss-sentences.js';
import { permitSentences } from './permit-sentences.js';
import type { Sentence } from './sentence.js';
import { tellingSentences } from './telling-sentences.js';

/** What every backend promises. */
export const sentences: readonly Sentence[] = [
  ...lockSentences,
  ...permitSentences,
  ...lossSentences,
  ...tellingSentences,
  ...holdSentences,
];

/**
 * Passes when the sentence holds on this ground, and nothing is left of it afterwards.
 * @returns what the backend cannot do, by its traits, where the sentence therefore does not apply; asking for it was refused
 */
export async function check(sentence: Sentence, setup: Setup): Promise<string | undefined> {
  const ground = await setup();
  try {
    const bench = new Bench(ground);
    try {
      await sentence.run(bench);
    } finally {
      await bench.close();
    }
    await bench.assertNothingLeft();
    return bench.lack;
  } finally {
    await ground.cleanup();
  }
}

/** Tests that a backend keeps the contract, a test a sentence; one that does not apply says why in a diagnostic. */
export function contractSuite(name: string, setup: Setup): void {
  for (const sentence of sentences) {
    const title = `${name} ${sentence.title}`;
    test(title, async (t) => {
      const lack = await check(sentence, setup);
      if (lack !== undefined) t.diagnostic(`${title}: does not apply: ${lack}`);
    });
  }
}
