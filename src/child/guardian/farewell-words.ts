import type { Farewell, TlsMaterial } from '../child.js';

/**
 * Farewells as a frame carries them, one behind the other. Of each: the bytes in hex, TLS material or nothing, what the answer
 * looks like, and how many addresses follow, host and port.
 */
export function farewellWords(farewells: readonly Farewell[]): readonly string[] {
  return farewells.flatMap(({ bytes, tls, taken, addresses }) => [
    bytes.toString('hex'),
    tls === undefined ? '' : tlsWord(tls),
    taken.source,
    String(addresses.length),
    ...addresses.flatMap(({ host, port }) => [host, String(port)]),
  ]);
}

function tlsWord(tls: TlsMaterial): string {
  const texts = Object.entries(tls).map(([name, pem]: [string, Buffer]) => [name, pem.toString()]);
  return JSON.stringify(Object.fromEntries(texts));
}
