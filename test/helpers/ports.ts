import { createServer } from 'node:net';

/**
 * Below Linux's ephemeral range (32768…), so that no outgoing connection takes a reserved port or connects to
 * itself on it; five digits, so that one address can replace another in a message without changing its length.
 */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/** Resolves to whether the listening worked; the listener is kept, without keeping the process alive. */
function claimName(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    // A name in the abstract namespace ends with the process that holds it, however that ends: no stale claims.
    server.listen(`\0lockex-test-port-${port}`, () => {
      server.unref();
      resolve(true);
    });
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * A port of 127.0.0.1 that nothing listens on and that no other test process on this machine is given while this
 * process lives: test files run at the same time, and servers are stopped and started on their port again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if ((await claimName(port)) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST} in 200 attempts`);
}
