import type { Farewell, TlsMaterial } from '../child.js';

/**
 * A farewell as a frame carries it: the bytes in hex, TLS material or nothing, what the answer looks like, then host and port
 * of each address.
 */
export function farewellWords(farewell: Farewell | undefined): readonly string[] {
  if (farewell === undefined) return ['', '', ''];
  const { bytes, tls, taken, addresses } = farewell;
  return [
    bytes.toString('hex'),
    tls === undefined ? '' : tlsWord(tls),
    taken.source,
    ...addresses.flatMap(({ host, port }) => [host, String(port)]),
  ];
}

function tlsWord(tls: TlsMaterial): string {
  const texts = Object.entries(tls).map(([name, pem]: [string, Buffer]) => [name, pem.toString()]);
  return JSON.stringify(Object.fromEntries(texts));
}
