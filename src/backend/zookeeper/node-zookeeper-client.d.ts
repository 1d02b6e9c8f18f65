/**
 * The members of node-zookeeper-client 1.1.3 that lockex uses, private ones included: the package's own types
 * are wrong where it matters (`exists` yields null for a missing node), and the hardening needs what they hide.
 * The package is pinned exactly; `library.ts` checks at start that the private members are still there.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface Stat {
    /** 64-bit numbers, big-endian. */
    readonly czxid: Buffer;
    readonly ephemeralOwner: Buffer;
    readonly ctime: Buffer;
    readonly mtime: Buffer;
    readonly version: number;
    readonly numChildren: number;
  }

  export class Exception extends Error {
    code: number;
    getCode(): number;
    static create(code: number, path?: string): Exception;
  }

  /** One entry of an access list; made by the library only. */
  export interface ACL {
    readonly permission: number;
  }
  export const ACL: {
    readonly OPEN_ACL_UNSAFE: readonly ACL[];
    readonly CREATOR_ALL_ACL: readonly ACL[];
  };

  export const CreateMode: {
    readonly PERSISTENT: 0;
    readonly EPHEMERAL: 1;
    readonly EPHEMERAL_SEQUENTIAL: 3;
  };

  type Callback<A extends unknown[]> = (error: Exception | null | undefined, ...results: A) => void;

  export interface Packet {
    readonly callback?: (error: Exception) => void;
  }

  export interface ConnectionManager extends EventEmitter {
    state: number;
    socket: Socket | undefined;
    servers: readonly unknown[];
    sessionTimeout: number;
    xid: number;
    zxid: Buffer;
    pendingBuffer: Buffer | null;
    readonly packetQueue: { queue: Packet[] };
    connect(): void;
    onSocketConnected(): void;
    onSocketData(data: Buffer): void;
    onSocketDrain(): void;
    onSocketClosed(): void;
    onSocketTimeout(): void;
    setState(state: number): void;
    updateTimeout(ms: number): void;
    cleanupPendingQueue(code: number): void;
  }

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(
      path: string,
      data: Buffer,
      acls: readonly ACL[],
      mode: number,
      callback: Callback<[string]>,
    ): void;
    remove(path: string, version: number, callback: Callback<[]>): void;
    setData(path: string, data: Buffer, version: number, callback: Callback<[Stat]>): void;
    setACL(path: string, acls: readonly ACL[], version: number, callback: Callback<[Stat]>): void;
    getData(path: string, callback: Callback<[Buffer | undefined, Stat]>): void;
    getData(path: string, watcher: () => void, callback: Callback<[Buffer | undefined, Stat]>): void;
    exists(path: string, callback: Callback<[Stat | null]>): void;
    exists(path: string, watcher: () => void, callback: Callback<[Stat | null]>): void;
    getChildren(path: string, callback: Callback<[string[], Stat]>): void;
    getChildren(path: string, watcher: () => void, callback: Callback<[string[], Stat]>): void;
  }

  export function createClient(
    connectionString: string,
    options: { sessionTimeout: number; spinDelay: number; retries: number },
  ): Client;
}
