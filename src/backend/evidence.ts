import { UsageError } from '../util/errors.js';

/**
 * What a command is handed so that it can have the lock service asked, by another process, whether its lease is
 * still held: where to ask and what to look for, as a JSON object of texts. Nothing in it is secret, and nothing in
 * it gives a right.
 * @param facts the service's URL, without credentials, and what its backend will look for
 */
export function formatEvidence(facts: { readonly url: string } & Readonly<Record<string, string>>): string {
  return JSON.stringify(facts);
}

/** The longest piece of an unreadable text that a message shows. */
const SHOWN = 80;

/**
 * Reads evidence, a fact at a time.
 * @throws UsageError, also from the returned function: when the text is not what {@link formatEvidence} made
 */
export function readEvidence(text: string): (fact: string) => string {
  const facts = new Map<string, unknown>(Object.entries(parse(text)));
  return (fact) => {
    const value = facts.get(fact);
    if (typeof value !== 'string') throw unreadable(text);
    return value;
  };
}

function parse(text: string): object {
  try {
    const facts: unknown = JSON.parse(text);
    if (typeof facts === 'object' && facts !== null) return facts;
  } catch {
    // Not JSON: refused below.
  }
  throw unreadable(text);
}

function unreadable(text: string): UsageError {
  return new UsageError(
    `LOCKEX_VERIFY: expected what lockex set it to, got ${JSON.stringify(text.slice(0, SHOWN))}`,
  );
}
