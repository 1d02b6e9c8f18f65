import { orAborted } from '../../util/abort.js';
import type { Clock } from '../../util/clock.js';
import type { Log } from '../../util/log.js';
import { randomId } from '../../util/random-id.js';
import { attend } from './attend.js';
import { NODE_INFIX, type NodeKind, type QueueNode, turnOf } from './contender-names.js';
import { inOrder } from './line.js';
import { failedWith, isUnsettled } from './operation-error.js';
import type { Parents } from './parents.js';
import type { Session } from './session.js';

/** What every recipe works with. */
export interface Recipe {
  readonly session: Session;
  readonly parents: Parents;
  readonly clock: Clock;
  readonly log: Log;
}

/** Our node in a queue is gone though the session lives: somebody deleted it. The place in line is lost. */
export class PlaceLostError extends Error {}

/**
 * One contender's place in the queue of a directory: kazoo's `Lock` on the wire. The node's name begins with a
 * random id, by which a create whose reply was lost is found again: retrying it blindly would leave an orphan
 * of our own session before us, behind which we would wait for ever.
 */
export class Place {
  readonly #session: Session;
  readonly #parents: Parents;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #id = randomId();
  #name: string | undefined;
  /** The queue right after our node was made, asked for along with it. */
  #firstLook: Promise<QueueNode[]> | undefined;

  constructor({ session, parents, clock }: Recipe, directory: string) {
    this.#session = session;
    this.#parents = parents;
    this.#clock = clock;
    this.#directory = directory;
  }

  /** The path of our node, once we have joined. */
  get path(): string {
    return `${this.#directory}/${this.#name}`;
  }

  /** Takes a place at the end of the line, making the directory if need be. */
  async join(kind: NodeKind, data: Buffer, signal: AbortSignal): Promise<void> {
    const prefix = `${this.#directory}/${this.#id}${NODE_INFIX[kind]}`;
    this.#parents.anticipate(this.#directory);
    while (this.#name === undefined) {
      await orAborted(this.#session.connected(), signal);
      try {
        const created = this.#session.nodes.create(prefix, data, 'ephemeral-sequential');
        // A server answers in order, so that this shows our node: one round trip for both.
        const look = this.#queue();
        this.#firstLook = look;
        // One that went with its connection is forgotten: on the next one it would pass for a server's that is overloaded.
        look.catch(() => {
          if (this.#firstLook === look) this.#firstLook = undefined;
        });
        const path = await orAborted(created, signal);
        this.#name = path.slice(this.#directory.length + 1);
      } catch (error) {
        this.#firstLook = undefined;
        if (failedWith(error, 'NO_NODE'))
          await this.#parents.ensure(this.#directory, Buffer.alloc(0), signal);
        else if (isUnsettled(error)) this.#name = await this.#adopt(signal);
        else throw error;
      }
    }
  }

  /**
   * Waits until nobody before us excludes us.
   * @param onLook given the queue at every look; looks come when our predecessor goes, and now and then
   * @param mayWait asked before waiting; `false` gives up
   * @returns whether it is our turn
   * @throws PlaceLostError
   */
  turn(
    signal: AbortSignal,
    onLook: (queue: readonly QueueNode[]) => Promise<void> | void,
    mayWait: (wake: () => void) => Promise<boolean> | boolean,
  ): Promise<boolean> {
    return attend(this.#session, this.#clock, signal, async (wake) => {
      for (;;) {
        const queue = await (this.#takeFirstLook() ?? this.#queue());
        const turn = turnOf(queue, this.#name ?? '');
        if (turn.turn === 'ours') return true;
        if (turn.turn === 'gone')
          throw new PlaceLostError(`our node ${this.path} was deleted while we waited`);
        await onLook(queue);
        if (!(await mayWait(wake))) return false;
        try {
          // getData and not exists: a watch on a node that is gone already would wait for its creation.
          await this.#session.nodes.getData(`${this.#directory}/${turn.behind}`, wake);
          return undefined;
        } catch (error) {
          if (!failedWith(error, 'NO_NODE')) throw error;
        }
      }
    });
  }

  /** Leaves the line: our node is gone, wherever the joining had got to, or the session is over. Never rejects. */
  async leave(): Promise<void> {
    const never = new AbortController().signal;
    try {
      const names = this.#name === undefined ? await this.#ours(never) : [this.#name];
      for (const name of names) await this.#remove(name, never);
    } catch (error) {
      if (!this.#session.over.aborted) throw error;
    }
  }

  #takeFirstLook(): Promise<QueueNode[]> | undefined {
    const look = this.#firstLook;
    this.#firstLook = undefined;
    return look;
  }

  async #queue(): Promise<QueueNode[]> {
    try {
      const { nodes } = this.#session;
      return await inOrder(nodes, this.#directory, await nodes.getChildren(this.#directory));
    } catch (error) {
      if (failedWith(error, 'NO_NODE')) return [];
      throw error;
    }
  }

  /** After a create whose fate is unknown: our lowest node, if there is one; any others are deleted. */
  async #adopt(signal: AbortSignal): Promise<string | undefined> {
    const [first, ...rest] = await this.#ours(signal);
    for (const name of rest) await this.#remove(name, signal);
    return first;
  }

  /** The names of our nodes, lowest first, as of now: the write before the listing brings a new server up to date. */
  #ours(signal: AbortSignal): Promise<string[]> {
    return this.#session.persist(async () => {
      await this.#session.nodes.barrier(`${this.#directory}/${this.#id}`);
      return (await this.#queue()).map((node) => node.name).filter((name) => name.startsWith(this.#id));
    }, signal);
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#session.persist(() => this.#session.nodes.remove(`${this.#directory}/${name}`), signal);
    } catch (error) {
      if (!failedWith(error, 'NO_NODE')) throw error;
    }
  }
}
