// Makes dist/lockex.cjs.VERSION-ARCH.cache: V8's code of the bundle's functions, as they are after three short runs: one with no
// lock service, one that finds none, and one with a stand-in for ZooKeeper that says yes to everything.
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { createServer } = require('node:net');
const { dirname, resolve } = require('node:path');
const { Script } = require('node:vm');

const SESSION = 1n;
const int = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const text = (value) => Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
const frame = (...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([int(body.length), body]);
};
const STAT = Buffer.alloc(68);
STAT.writeBigInt64BE(SESSION, 44);

/** Answers one request (ZooDefs.OpCode): 1 create, 4 getData, 5 setData, 7 setACL, 12 getChildren2. */
function answer(request, created) {
  const [xid, opcode] = [request.readInt32BE(4), request.readInt32BE(8)];
  const bodies = {
    1: () => {
      const path = request.toString('utf8', 16, 16 + request.readInt32BE(12));
      const name = path.endsWith('__lock__') ? `${path}0000000000` : path;
      if (name !== path) created.push(name.slice(name.lastIndexOf('/') + 1));
      return text(name);
    },
    4: () => Buffer.concat([text(''), STAT]),
    5: () => STAT,
    7: () => STAT,
    12: () => Buffer.concat([int(created.length), ...created.map(text), STAT]),
  };
  return frame(int(xid), Buffer.alloc(12), bodies[opcode]?.() ?? Buffer.alloc(0));
}

const standIn = createServer((socket) => {
  const created = [];
  let greeted = false;
  socket.on('error', () => {});
  socket.on('data', (bytes) => {
    let rest = bytes;
    while (rest.length >= 4) {
      const length = rest.readInt32BE(0) + 4;
      const request = rest.subarray(0, length);
      rest = rest.subarray(length);
      socket.write(
        greeted
          ? answer(request, created)
          : frame(int(0), int(15_000), int(0), int(Number(SESSION)), int(16), Buffer.alloc(16)),
      );
      greeted = true;
    }
  });
});

const bundle = resolve(process.argv[2]);
const script = new Script(wrap(readFileSync(bundle, 'latin1')), { filename: bundle });
const exit = process.exit;

standIn.listen(0, '127.0.0.1', () => {
  const runs = [
    ['--url', 'memory:', '--', 'true'],
    ['-z', '127.0.0.1:1', '-n', '--', 'true'],
    ['-z', `127.0.0.1:${standIn.address().port}`, '--', 'true'],
  ];
  const next = (status) => {
    const words = runs.shift();
    if (words === undefined) {
      writeFileSync(`${bundle}.${process.version}-${process.arch}.cache`, script.createCachedData());
      if (status !== 0) process.stderr.write(`the last run ended with ${status}\n`);
      exit(status);
    }
    process.argv = [process.argv[0], bundle, '--log-level', 'silent', ...words];
    process.removeAllListeners();
    script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, dirname(bundle));
  };
  process.exit = next;
  next();
});
