import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { sentences } from '../../src/testing/suite.js';

/*
 * `npm run contract`: the contract suite on every backend, as one table. Status 1 when a sentence does not hold, or was not
 * asked of a backend.
 */

/** The subject of a test's title: `the redis backend`, `the redis backend, three masters,`. */
const SUBJECT = /^the (.+?) backend(?:,? (.*?))?,? $/;

const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && name !== 'twins.test.ts')
  .map((name) => join(import.meta.dirname, name));

/** By backend, then by sentence: whether it holds. */
const results = new Map<string, Map<string, boolean>>();

function note(title: string, passed: boolean): void {
  const sentence = sentences.find((each) => title.endsWith(each.title));
  if (sentence === undefined) return;
  const [, name, part] = SUBJECT.exec(title.slice(0, -sentence.title.length)) ?? [];
  if (name === undefined) throw new Error(`no backend in ${JSON.stringify(title)}`);
  const backend = part === undefined ? name : `${name} (${part})`;
  const held = results.get(backend) ?? new Map<string, boolean>();
  results.set(backend, held.set(sentence.title, passed));
}

const stream = run({ files, concurrency: 2, timeout: 120_000 });
stream.on('test:pass', ({ name }) => note(name, true));
stream.on('test:fail', ({ name }) => note(name, false));
for await (const _ of stream);

const backends = [...results.keys()].sort();
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
console.log(row(['a backend …', ...backends]));
console.log(row(['---', ...backends.map(() => '---')]));
let failures = 0;
for (const { title } of sentences) {
  const cells = backends.map((backend) => {
    const held = results.get(backend)?.get(title);
    if (held !== true) failures += 1;
    return held === undefined ? 'not asked' : held ? 'yes' : '**no**';
  });
  console.log(row([title, ...cells]));
}
console.log(`\n${sentences.length} sentences, ${backends.length} backends, ${failures} not held`);
process.exitCode = failures === 0 && backends.length > 0 ? 0 : 1;
