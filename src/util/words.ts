const PLAIN = /^[\w@%+=:,./-]+$/;

/** Of a command, its beginning says enough: so many characters of it are logged and shown to other contenders. */
export const SHOWN_COMMAND = 80;

/** Words as they could be typed at a shell's prompt. A byte that is not UTF-8 (raw-text.ts) is shown as U+FFFD. */
export function showWords(words: readonly string[]): string {
  return words
    .map(wellFormed)
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}

/** A text in quotes, for a message. A byte that is not UTF-8 (raw-text.ts) is shown as U+FFFD. */
export function quoted(text: string): string {
  return JSON.stringify(wellFormed(text));
}

/** A text without the bytes that are not UTF-8 (raw-text.ts): many a reader of JSON refuses half of a pair. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** The text without what could move a terminal's cursor or forge a line, cut to `most` characters. */
export function printable(text: string, most = 1000): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  const characters = [...shown];
  return characters.length <= most ? shown : `${characters.slice(0, most - 1).join('')}…`;
}
