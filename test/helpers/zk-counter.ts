import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ustring } from './zk-frames.js';
import type { ZooKeeperServer } from './zookeeper-server.js';

/** What a log begins with, and what stands before each entry: its checksum (8) and its length (4). */
const FILE_HEADER = 16;
const ENTRY_HEADER = 12;
/** Session, request, transaction, time and kind. */
const TRANSACTION_HEADER = 32;
/** Of the log, which is preallocated, so much is read. */
const MOST = 64 * 1024;

/**
 * Makes `next` the number that the next sequential child of a node gets. No client can do that but by making so many
 * children; so it is written into the log of a stopped server, of which each entry that makes a child says how many
 * there have been.
 * @param child a child that was made since the server was started for the first time; may be gone by now
 */
export async function setCounter(server: ZooKeeperServer, child: string, next: number): Promise<void> {
  if (server.pid !== undefined) throw new Error('the server has to be stopped');
  const directory = join(server.dataDir, 'version-2');
  const logs = (await readdir(directory)).filter((name) => name.startsWith('log.'));
  for (const name of logs) {
    const file = await open(join(directory, name), 'r+');
    try {
      const bytes = Buffer.alloc(MOST);
      await file.read(bytes, 0, MOST, 0);
      const entry = entriesOf(bytes).find((each) => isCreationOf(child, each));
      if (entry === undefined) continue;
      entry.writeInt32BE(next, counterAt(entry));
      const checksumAt = entry.byteOffset - bytes.byteOffset - ENTRY_HEADER;
      bytes.writeBigInt64BE(adler32(entry), checksumAt);
      await file.write(bytes, 0, MOST, 0);
      return;
    } finally {
      await file.close();
    }
  }
  throw new Error(`no log says that ${child} was made`);
}

function entriesOf(log: Buffer): Buffer[] {
  const entries: Buffer[] = [];
  for (let at = FILE_HEADER; at + ENTRY_HEADER < log.length; ) {
    const length = log.readInt32BE(at + 8);
    if (length === 0) break;
    entries.push(log.subarray(at + ENTRY_HEADER, at + ENTRY_HEADER + length));
    // Each ends with a byte that says so.
    at += ENTRY_HEADER + length + 1;
  }
  return entries;
}

function isCreationOf(path: string, entry: Buffer): boolean {
  return entry.readInt32BE(28) === 1 && entry.subarray(TRANSACTION_HEADER).indexOf(ustring(path)) === 0;
}

/** Behind path, data and access list, and the byte that says whether it is ephemeral. */
function counterAt(entry: Buffer): number {
  let at = TRANSACTION_HEADER;
  const skipBytes = () => {
    at += 4 + Math.max(0, entry.readInt32BE(at));
  };
  skipBytes();
  skipBytes();
  const rights = entry.readInt32BE(at);
  at += 4;
  for (let right = 0; right < rights; right += 1) {
    at += 4;
    skipBytes();
    skipBytes();
  }
  return at + 1;
}

function adler32(bytes: Buffer): bigint {
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return BigInt(high) * 65536n + BigInt(low);
}
