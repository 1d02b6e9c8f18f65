import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRaw, encodeRaw } from '../../src/util/raw-text.js';
import { Random } from '../simulation/random.js';

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

function assertReturns(raw: Buffer): void {
  const back = encodeRaw(decodeRaw(raw));
  assert.ok(back.equals(raw), `${raw.toString('hex')} came back as ${back.toString('hex')}`);
}

test('what is UTF-8 is read and written as ever', () => {
  for (const text of ['', 'plain', 'žluťoučký', '日本語', '🔒🧵\u{10ffff}', '\ufeff\ufffd', 'a\nb\x7f\0']) {
    assert.equal(decodeRaw(Buffer.from(text)), text);
    assert.ok(encodeRaw(text).equals(Buffer.from(text)), text);
  }
});

/** From CPython: `ascii(bytes.fromhex(…).decode("utf-8", "surrogateescape"))`. */
const PYTHON: readonly (readonly [string, string])[] = [
  ['ff fe e9', '\udcff\udcfe\udce9'],
  ['63 61 66 e9', 'caf\udce9'],
  ['e9 f0 9f 94 92 80', '\udce9🔒\udc80'],
  ['c3 a9 c3', 'é\udcc3'],
  ['f0 9f 94', '\udcf0\udc9f\udc94'],
  ['e2 82 41', '\udce2\udc82A'],
  // Too long a form, a surrogate, a pair of them, and more than there are characters.
  ['c0 80', '\udcc0\udc80'],
  ['ed b2 80', '\udced\udcb2\udc80'],
  ['ed a0 bd ed b4 92', '\udced\udca0\udcbd\udced\udcb4\udc92'],
  ['f4 90 80 80', '\udcf4\udc90\udc80\udc80'],
];

test('a byte that is not UTF-8 is the lone surrogate that Python has for it', () => {
  for (const [digits, text] of PYTHON) {
    assert.equal(decodeRaw(hex(digits)), text, digits);
    assertReturns(hex(digits));
  }
});

test('any bytes at all come back as they were, and no two as one', () => {
  const random = new Random(44);
  // Beginnings and ends of characters, so that many are whole, and many nearly so.
  const pieces = [
    '61',
    '0a',
    '80',
    'bf',
    'c3',
    'c3a9',
    'e2',
    'e282',
    'e282ac',
    'ed',
    'edb280',
    'f09f9492',
    'ff',
  ];
  const seen = new Map<string, string>();
  for (let round = 0; round < 20_000; round += 1) {
    const parts = Array.from({ length: random.below(12) }, () =>
      random.chance(0.5) ? Buffer.of(random.below(256)) : hex(random.pick(pieces)),
    );
    const raw = Buffer.concat(parts);
    assertReturns(raw);
    const [text, digits] = [decodeRaw(raw), raw.toString('hex')];
    assert.equal(seen.get(text) ?? digits, digits);
    seen.set(text, digits);
  }
});

test('a surrogate that stands for no byte is written as Node writes it', () => {
  assert.ok(encodeRaw('\ud83d \udc7f').equals(Buffer.from('\ufffd \ufffd')));
});
