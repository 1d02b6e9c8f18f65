import { ACL, type Client, CreateMode, type Exception, type Stat } from 'node-zookeeper-client';
import { failedWith } from './operation-error.js';
import { Watches } from './watches.js';

/** Ends one operation: with the library's error, or with a value. */
export type Settle<T> = (error: Exception | null | undefined, value: T) => void;

/** Runs one operation so that it settles whatever becomes of the connection. */
export type Operate = <T>(operation: string, path: string, start: (settle: Settle<T>) => void) => Promise<T>;

/** How a node ends: never by itself, or with our session; `sequential` appends the server's number to its name. */
export type NodeMode = 'persistent' | 'ephemeral' | 'ephemeral-sequential';

const FLAGS: Readonly<Record<NodeMode, number>> = {
  persistent: CreateMode.PERSISTENT,
  ephemeral: CreateMode.EPHEMERAL,
  'ephemeral-sequential': CreateMode.EPHEMERAL_SEQUENTIAL,
};

/**
 * The operations on nodes, as promises. Paths are absolute, the chroot included.
 * Each rejects with an `OperationError`, at once while there is no connection.
 */
export class Nodes {
  readonly #client: Client;
  readonly #operate: Operate;
  readonly #acls: readonly ACL[];
  readonly #watches = new Watches();

  constructor(client: Client, acl: 'open' | 'creator', operate: Operate) {
    this.#client = client;
    this.#operate = operate;
    this.#acls = acl === 'creator' ? ACL.CREATOR_ALL_ACL : ACL.OPEN_ACL_UNSAFE;
  }

  /** @returns the full path of the new node */
  create(path: string, data: Buffer, mode: NodeMode): Promise<string> {
    return this.#operate('create', path, (settle) =>
      this.#client.create(path, data, this.#acls, FLAGS[mode], settle),
    );
  }

  /** Deletes a node. @param version the one that it must have; -1 for any */
  remove(path: string, version = -1): Promise<void> {
    return this.#operate('delete', path, (settle) =>
      this.#client.remove(path, version, (error) => settle(error)),
    );
  }

  /** @param version the one that the node must have; -1 for any */
  setData(path: string, data: Buffer, version = -1): Promise<Stat> {
    return this.#operate('setData', path, (settle) => this.#client.setData(path, data, version, settle));
  }

  /**
   * An acknowledged write to a node of ours that no watch sees: its ACL, set to what it is. `setData` would wake,
   * at every renewal, whoever waits behind us.
   */
  touch(path: string): Promise<Stat> {
    return this.#operate('setACL', path, (settle) => this.#client.setACL(path, this.#acls, -1, settle));
  }

  /** @param onChange called once, when the node changes or is deleted, unless this fails: then nothing watches */
  getData(path: string, onChange?: () => void): Promise<{ data: Buffer | undefined; stat: Stat }> {
    return this.#operate('getData', path, (settle) => {
      const done = (error: Exception | null | undefined, data: Buffer | undefined, stat: Stat) =>
        settle(error, { data, stat });
      if (onChange === undefined) this.#client.getData(path, done);
      else this.#client.getData(path, this.#watches.add('data', path, onChange), done);
    });
  }

  /** The node's facts, for which no right is needed; `undefined` when there is no such node. */
  async exists(path: string): Promise<Stat | undefined> {
    const stat = await this.#operate<Stat | null>('exists', path, (settle) =>
      this.#client.exists(path, settle),
    );
    return stat ?? undefined;
  }

  /** @param onChange called once, when a child comes or goes, unless this fails: then nothing watches */
  getChildren(path: string, onChange?: () => void): Promise<string[]> {
    return this.#operate('getChildren', path, (settle) => {
      if (onChange === undefined) this.#client.getChildren(path, settle);
      else this.#client.getChildren(path, this.#watches.add('children', path, onChange), settle);
    });
  }

  /**
   * A write that changes nothing: deletes a node that does not exist. Once it is answered, this server has seen
   * every write that was acknowledged, or whose reply was lost on its way back to us, before.
   */
  async barrier(missing: string): Promise<void> {
    try {
      await this.remove(missing);
    } catch (error) {
      if (!failedWith(error, 'NO_NODE')) throw error;
    }
  }
}
