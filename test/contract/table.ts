import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { sentences } from '../../src/testing/suite.js';

/*
 * `npm run contract`: the contract suite on every backend, as one table. Status 1 when a sentence does not hold, was not
 * asked of a backend, or when a file of tests failed otherwise.
 */

/** The subject of a test's title: `the redis backend`, `the redis backend, three masters,`. */
const SUBJECT = /^the (.+?) backend(?:,? (.*?))?,? $/;

const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts') && name !== 'twins.test.ts')
  .map((name) => join(import.meta.dirname, name));

const HOLDS = 'yes';
const FAILED = '**no**';

/** The end of a diagnostic that says why a sentence does not apply, after its test's title. */
const LACK = /^(.*): does not apply: (.*)$/;

/** By backend, then by sentence: what stands in the cell. */
const results = new Map<string, Map<string, string>>();

/** What has failed that is no sentence: a file that could not be run, a hook. */
const others: string[] = [];

function note(title: string, cell: string): void {
  const sentence = sentences.find((each) => title.endsWith(` ${each.title}`));
  if (sentence === undefined) {
    if (cell === FAILED) others.push(title);
    return;
  }
  const [, name, part] = SUBJECT.exec(title.slice(0, -sentence.title.length)) ?? [];
  if (name === undefined) throw new Error(`no backend in ${JSON.stringify(title)}`);
  const backend = part === undefined ? name : `${name} (${part})`;
  const cells = results.get(backend) ?? new Map<string, string>();
  // A diagnostic may come before or after the result that it goes with; a failure stands.
  const before = cells.get(sentence.title);
  if (before === undefined || before === HOLDS || cell === FAILED) cells.set(sentence.title, cell);
  results.set(backend, cells);
}

const stream = run({ files, concurrency: 2, timeout: 120_000 });
stream.on('test:pass', ({ name }) => note(name, HOLDS));
stream.on('test:fail', ({ name }) => note(name, FAILED));
stream.on('test:diagnostic', ({ message }) => {
  const [, title, lack] = LACK.exec(message) ?? [];
  if (title !== undefined) note(title, `– ${lack}`);
});
for await (const _ of stream);

const backends = [...results.keys()].sort();
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
console.log(row(['a backend …', ...backends]));
console.log(row(['---', ...backends.map(() => '---')]));
let failures = 0;
for (const { title } of sentences) {
  const cells = backends.map((backend) => {
    const cell = results.get(backend)?.get(title) ?? 'not asked';
    if (cell === FAILED || cell === 'not asked') failures += 1;
    return cell;
  });
  console.log(row([title, ...cells]));
}
console.log(
  `\n${sentences.length} sentences, ${backends.length} backends, ${failures} not held. –: the backend cannot do that, says so, and refuses it.`,
);
for (const title of others) console.error(`failed, too: ${title}`);
// Each file is of one backend at least.
process.exitCode = failures + others.length === 0 && backends.length >= files.length ? 0 : 1;
