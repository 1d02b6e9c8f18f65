const PLAIN = /^[\w@%+=:,./-]+$/;

/** Of a command, its beginning says enough: so many characters of it are logged and shown to other contenders. */
export const SHOWN_COMMAND = 80;

/** Words as they could be typed at a shell's prompt. */
export function showWords(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

/** The text without what could move a terminal's cursor or forge a line, cut to `most` characters. */
export function printable(text: string, most = 1000): string {
  const shown = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
  const characters = [...shown];
  return characters.length <= most ? shown : `${characters.slice(0, most - 1).join('')}…`;
}
