import { isUtf8 } from 'node:buffer';

/*
 * Bytes that are UTF-8 for the most part, as a string, and back. A byte 0xNN that is not part of valid UTF-8 stands as the
 * lone surrogate U+DCNN, which no UTF-8 gives: Python's `surrogateescape` (PEP 383). What is valid is what it always is.
 */

/** How long a character is by its first byte (RFC 3629, section 3); 1 for what begins none. */
function lengthFrom(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** Reads bytes as PEP 383 does; `encodeRaw` gives back these very bytes, whatever they are. */
export function decodeRaw(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let from = 0;
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const length = lengthFrom(lead);
    // Overlong forms and surrogates are no UTF-8 either, nor is what ends too soon.
    if (lead < 0x80 || isUtf8(bytes.subarray(at, at + length))) {
      at += length;
    } else {
      text += bytes.toString('utf8', from, at) + String.fromCharCode(0xdc00 + lead);
      at += 1;
      from = at;
    }
  }
  return text + bytes.toString('utf8', from);
}

/** The bytes of a text: UTF-8, but for the lone surrogates that stand for other bytes, as PEP 383 has them. */
export function encodeRaw(text: string): Buffer {
  // With `u`, half of a pair does not match.
  const parts = text.split(/([\udc80-\udcff])/u);
  if (parts.length === 1) return Buffer.from(text);
  // The odd ones are what the pattern found.
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) & 0xff))),
  );
}
