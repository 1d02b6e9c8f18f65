// Makes dist/lockex.cjs.cache: V8's code of the bundle's functions after two short runs, one that starts a command
// and one that looks for a ZooKeeper. V8 knows a stale cache only by the bundle's length: remove it before a build.
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, resolve } = require('node:path');
const { Script } = require('node:vm');

const bundle = resolve(process.argv[2]);
const script = new Script(wrap(readFileSync(bundle, 'latin1')), { filename: bundle });
const runs = [
  ['--url', 'memory:', '--log-level', 'silent', '--', 'true'],
  ['-z', '127.0.0.1:1', '-n', '--log-level', 'silent', '--', 'true'],
];
const exit = process.exit;
const next = () => {
  const words = runs.shift();
  if (words === undefined) {
    writeFileSync(`${bundle}.cache`, script.createCachedData());
    exit(0);
  }
  process.argv = [process.argv[0], bundle, ...words];
  process.removeAllListeners();
  script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, dirname(bundle));
};
process.exit = next;
next();
