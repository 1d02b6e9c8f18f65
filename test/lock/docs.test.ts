import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Scope } from '../helpers/scope.js';
import { startZooKeeper } from '../helpers/zookeeper.js';
import { type Installed, install } from './installed.js';

const LIBRARY = readFileSync(new URL('../../docs/library.md', import.meta.url), 'utf8');

/** What the examples have for the servers of the reader. */
const READERS_SERVERS = 'zk://zk1,zk2,zk3';

/** The programs of a page, with the headings that they stand below. */
function examplesIn(text: string): readonly { readonly heading: string; readonly code: string }[] {
  return text.split(/^(?=#+ )/m).flatMap((section) => {
    const [, heading = ''] = /^#+ (.+)$/m.exec(section) ?? [];
    return [...section.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => ({ heading, code }));
  });
}

/** What an example says it prints: the comment behind a line that prints. */
function promisedBy(code: string): readonly string[] {
  return [
    ...code.matchAll(/console\.log\(.*\/\/ (true|undefined|true undefined|true false|not free .*)$/gm),
  ].map(([, said = '']) => said);
}

const things = new Scope();
let url = '';
let installed: Installed;
before(async () => {
  const zookeeper = await things.use(startZooKeeper());
  url = `zk://${zookeeper.address}`;
  installed = await things.use(install());
});
after(() => things.end());

const examples = examplesIn(LIBRARY);

test('the examples of docs/library.md have the types that they say', async () => {
  assert.ok(examples.length >= 9, `${examples.length} examples`);
  const files = examples.map(({ code }, index) => {
    installed.write(`example-${index}.mts`, code.replaceAll(READERS_SERVERS, url));
    return `example-${index}.mts`;
  });
  assert.equal(await installed.typeErrors(files), '');
});

for (const [index, { heading, code }] of examples.entries()) {
  test(`docs/library.md, "${heading}": example ${index + 1} does what it says, and ends`, async () => {
    const file = installed.write(`example-${index}.mts`, code.replaceAll(READERS_SERVERS, url));
    await using run = installed.tsx(file);
    assert.equal((await run.exited).code, 0, run.stderr);
    for (const promised of promisedBy(code)) assert.match(run.stdout, new RegExp(`^${promised}$`, 'm'));
  });
}
