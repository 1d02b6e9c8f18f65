import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect } from '../../src/lock/locks.js';
import { until } from '../../src/testing/until.js';
import type { Run } from '../helpers/run.js';
import { tempDir } from '../helpers/temp.js';
import { startZooKeeper } from '../helpers/zookeeper.js';
import { type Installed, install } from './installed.js';

let installed: Installed;
before(async () => {
  installed = await install();
});
after(() => installed[Symbol.asyncDispose]());

/** What a program printed, once it has ended well. */
async function said(run: Run): Promise<string> {
  const { code } = await run.exited;
  assert.equal(code, 0, run.stderr);
  return run.stdout;
}

const HOLDER = `
const lock = locks.lock('shared-name');
const lease = await lock.acquire();
console.log('holds', lease.fencingToken);
process.stdin.resume();
process.stdin.on('end', async () => { await locks.close(); process.exitCode = 0; });
`;

test('the package holds what is needed, and nothing else', () => {
  const tops = new Set(installed.files.map((path) => path.replace(/\/.*/, '')));
  assert.deepEqual([...tops].sort(), [
    'CHANGELOG.md',
    'COPYING',
    'README.md',
    'bin',
    'dist',
    'docs',
    'package.json',
  ]);
  for (const name of ['index.js', 'index.cjs', 'index.d.ts', 'index.d.cts', 'guardian.pl', 'guardian.cjs']) {
    assert.ok(installed.files.includes(`dist/${name}`), name);
  }
  assert.deepEqual(
    installed.files.filter((path) => /\.cache$|\.test\.|build\.mjs/.test(path)),
    [],
  );
});

test('a program that imports lockex and one that requires it exclude each other; a third one of both is one library', async () => {
  await using dir = await tempDir('package');
  const url = JSON.stringify(`file://${dir.path}`);
  const esm = installed.write(
    'holder.mjs',
    `import { connect } from 'lockex';\nconst locks = await connect(${url});${HOLDER}`,
  );
  const cjs = installed.write(
    'asker.cjs',
    `const { connect } = require('lockex');
     connect(${url}).then(async (locks) => {
       console.log(await locks.lock('shared-name').tryAcquire() ? 'free' : 'taken');
       await locks.close();
     });`,
  );
  await using holder = installed.node([esm], { keepStdinOpen: true });
  await until(() => holder.stdout.includes('holds'), 'it holds');
  {
    await using asker = installed.node([cjs]);
    assert.equal(await said(asker), 'taken\n');
  }
  holder.endInput();
  await said(holder);
  await using asker = installed.node([cjs]);
  assert.equal(await said(asker), 'free\n');
  const both = installed.write(
    'both.mjs',
    `import { createRequire } from 'node:module';
     import * as imported from 'lockex';
     import { contractSuite } from 'lockex/testing';
     const required = createRequire(import.meta.url)('lockex');
     const locks = await imported.connect('memory:');
     await required.connect('memory:').then((others) => others.lock('a').acquire());
     const error = await locks.lock('a').acquire({ timeout: 0 }).catch((each) => each);
     console.log(error instanceof required.LockNotAcquiredError, typeof contractSuite, required.connect === imported.connect);`,
  );
  await using run = installed.node([both]);
  assert.equal(await said(run), 'true function true\n');
});

test('loading lockex loads one file, opens nothing, and keeps no process alive', async () => {
  const program = installed.write(
    'load.cjs',
    `const before = new Set(process.moduleLoadList);
     require('lockex');
     const files = Object.keys(require.cache).filter((path) => path !== __filename).map((path) => path.split('/').pop());
     const heavy = process.moduleLoadList.filter((name) => !before.has(name) && /tls|http|crypto|child_process|net$/.test(name));
     console.log(JSON.stringify({ files, heavy, active: process.getActiveResourcesInfo() }));`,
  );
  await using run = installed.node([program]);
  const { files, active, heavy } = JSON.parse(await said(run));
  assert.deepEqual(files, ['index.cjs']);
  assert.deepEqual(
    heavy.filter((name: string) => /tls|http/.test(name)),
    [],
  );
  assert.deepEqual(active, []);
});

test('a program in TypeScript has its types, as a module and as CommonJS, the decorator’s included', async () => {
  const body = `
    export class Shop {
      @exclusive(() => connect('memory:'), { key: (id: number) => 'shop/' + id })
      async ship(id: number): Promise<string> { return 'shipped ' + id; }
    }
    export async function main(): Promise<void> {
      await using locks: Locks = await connect('memory:', { ttl: '15s', timeout: 1000 });
      const lease: HeldLease = await locks.lock('a').acquire();
      const token: bigint | undefined = lease.fencingToken;
      const result: number = await locks.semaphore('b', 2).hold(async ({ lost }) => (lost.aborted ? 0 : 1));
      const shipped: string = await new Shop().ship(7);
      console.log(token, result, shipped, new LeaseLostError('expired', 'x', 0).kind);
      await lease.release();
      process.exit(0);
    }
    void main();`;
  const names = 'connect, exclusive, LeaseLostError, type HeldLease, type Locks, type LockBackend';
  const header = `import { ${names} } from 'lockex';\nimport { contractSuite, type Ground } from 'lockex/testing';
    export const setup: () => Promise<Ground> = () => { throw contractSuite; };
    export type Mine = LockBackend;`;
  const files = ['program.mts', 'program.cts'];
  for (const file of files) installed.write(file, header + body);
  assert.equal(await installed.typeErrors(files), '');
  for (const file of files) {
    await using run = installed.tsx(file);
    assert.equal(await said(run), '1n 1 shipped 7 lease-lost\n');
  }
  installed.write(
    'wrong.mts',
    `import { connect } from 'lockex';\nawait connect('memory:', { ttl: '15' });\n`,
  );
  assert.match(await installed.typeErrors(['wrong.mts']), /TS2322/, 'what is wrong is found');
});

test('a backend of one’s own is checked by the suite of the package', async () => {
  const suite = installed.write(
    'suite.test.mjs',
    `import { MemoryBackend, MemoryService } from 'lockex';
     import { contractSuite } from 'lockex/testing';
     contractSuite('my backend', async () => {
       const service = new MemoryService();
       return {
         open: async () => new MemoryBackend(service),
         sabotage: async (backend) => service.expire(backend),
         residue: async () => service.resources,
         cleanup: async () => {},
       };
     });`,
  );
  const some = '--test-name-pattern=tells the holder once|makes a second contender wait';
  await using run = installed.node(['--test', '--test-reporter=tap', some, suite]);
  const text = await said(run);
  assert.match(text, /^ {0,4}ok \d+ - my backend tells the holder once that its lease is lost, and why$/m);
  assert.match(text, /^# pass [23]$/m);
  assert.match(text, /^# fail 0$/m);
});

test('run finds its guardian, however lockex was loaded: a command dies with its program, at every level', async () => {
  for (const [file, load] of [
    ['runner.mjs', `import { connect } from 'lockex';`],
    ['runner.cjs', `const { connect } = require('lockex');`],
  ] as const) {
    for (const isolation of ['subreaper', 'walk']) {
      const program = installed.write(
        file,
        `${load}
         connect('memory:').then((locks) => locks.run('sh', ['-c', 'echo runs; exec sleep 1000'], { isolation: '${isolation}' }));`,
      );
      await using run = installed.node([program]);
      await until(() => run.stdout.includes('runs'), 'the command runs');
      run.kill('SIGKILL');
      await run.expectNoStray();
    }
  }
});

test('a program that is killed keeps its locks until its session ends: nobody gives them back for it', async () => {
  await using zookeeper = await startZooKeeper();
  const url = `zk://${zookeeper.address}`;
  const ttlMs = 4000;
  const program = installed.write(
    'killed.mjs',
    `import { connect } from 'lockex';\nconst locks = await connect('${url}', { ttl: ${ttlMs} });${HOLDER}`,
  );
  await using holder = installed.node([program], { keepStdinOpen: true });
  await until(() => holder.stdout.includes('holds'), 'it holds');
  await using locks = await connect(url, { ttl: ttlMs });
  const lock = locks.lock('shared-name');
  const acquiring = lock.acquire();
  await until(async () => (await lock.contenders()).length === 2, 'it waits');
  holder.kill('SIGKILL');
  const killedAt = performance.now();
  await acquiring;
  const tookMs = performance.now() - killedAt;
  // A renewal is a twelfth of the timeout old, at most.
  assert.ok(tookMs > ttlMs / 2, `${tookMs} ms`);
});
