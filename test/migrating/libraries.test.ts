import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Addresses, withAddresses } from './addresses.js';
import { type Program, readDocument } from './document.js';
import { LIBRARY_LINES, programOf } from './library-lines.js';
import { Project } from './programs.js';
import { startServices, TIMEOUT_S } from './services.js';

const { programs } = readDocument();

/** What each program of the document writes; run a second time at once, it writes the second text. */
const EXPECTED: Readonly<Record<string, readonly [string, string]>> = {
  'dlock: once in three minutes': ['making the report\n', ''],
  'sherlock: configure': ['true\n', 'true\n'],
  'sherlock: client': ['taking stock\n', 'taking stock\n'],
  'sherlock: with, acquire(False), timeout': ['false\ntrue\n', 'false\ntrue\n'],
  'distributedlock: decorator and with': ['closing\nrunning\ntrue\n', 'closing\nrunning\ntrue\n'],
};

let addresses: Addresses;
let services: AsyncDisposable;
before(async () => {
  ({ addresses, services } = await startServices(programs.map(({ text }) => text)));
});
after(() => services[Symbol.asyncDispose]());

/** With the addresses here, and with a timeout that the services, which were just started, are old enough for. */
const here = ({ text }: Pick<Program, 'text'>) =>
  withAddresses(text, addresses).text.replaceAll(/ttl: '\d+s'/g, `ttl: '${TIMEOUT_S}s'`);

test('every program of the page is run, and no other', () => {
  assert.deepEqual(programs.map(({ name }) => name).sort(), Object.keys(EXPECTED).sort());
});

for (const [name, outputs] of Object.entries(EXPECTED)) {
  test(name, async (t) => {
    const project = await Project.make(t);
    const text = programs.find((program) => program.name === name)?.text ?? '';
    const path = await project.write('program', here({ text }));
    for (const output of outputs) {
      const run = await project.run(path);
      assert.deepEqual(run.ended, { code: 0, signal: null }, run.stderr);
      assert.equal(run.stdout, output);
      assert.equal(run.stderr, '');
    }
  });
}

for (const [section, lines] of Object.entries(LIBRARY_LINES)) {
  for (const [line, around] of Object.entries(lines)) {
    test(`${section}: ${line}`, async (t) => {
      const project = await Project.make(t);
      const text = here({ text: programOf(line, around) }).replaceAll('/tmp/', `${project.directory}/`);
      const run = await project.run(await project.write('line', text));
      assert.deepEqual(run.ended, { code: 0, signal: null }, run.stderr);
      assert.equal(run.stdout, around.writes);
      assert.equal(run.stderr, '');
    });
  }
}

test('a program that leaves its hold out is found', async (t) => {
  const project = await Project.make(t);
  const text = programs.find(({ name }) => name.startsWith('dlock'))?.text ?? '';
  const path = await project.write(
    'program',
    here({ text: text.replace("{ hold: '3m' }", '') }).replace('report', 'other'),
  );
  for (let count = 0; count < 2; count += 1)
    assert.equal((await project.run(path)).stdout, 'making the report\n');
});

test('the programs pass the compiler, and one that uses what is not there does not', async (t) => {
  const project = await Project.make(t);
  const paths = await Promise.all(programs.map(({ text }, index) => project.write(`program-${index}`, text)));
  const run = await project.check(paths);
  assert.deepEqual(run.ended, { code: 0, signal: null }, run.stdout);
  const broken = await project.write('broken', "import { locked } from 'lockex';\nlocked();\n");
  const refused = await project.check([broken]);
  assert.notEqual(refused.ended?.code, 0);
  assert.match(refused.stdout, /locked/);
});
