import { readFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { type TempDir, tempDir } from '../helpers/temp.js';

/** One command with all that it left behind, as it was seen. Times are `performance.now()` ms of this process. */
export interface Tree {
  readonly run: string;
  readonly token: bigint;
  readonly pid: number;
  readonly parent: number;
  readonly startedAt: number;
  /** Whether all that its command leaves behind has been started. */
  whole: boolean;
  /** When its last process had died; `undefined` while one lives. */
  endedAt: number | undefined;
}

export interface WitnessEvents {
  started(tree: Tree): void;
  treeEnded(tree: Tree): void;
  /** A command that found no permit free, though lockex had given it one. */
  overlap(run: string): void;
}

/**
 * What the commands say of themselves (`hostile.pl`): by a socket that lives as long as their tree, for the time
 * line, and by a file, in the order in which they had a slot's kernel lock, for the verdict.
 */
export class Witness implements AsyncDisposable {
  readonly trees: Tree[] = [];
  readonly #sockets = new Map<Socket, Tree | undefined>();

  private constructor(
    private readonly dir: TempDir,
    private readonly server: Server,
    private readonly events: WitnessEvents,
  ) {
    server.on('connection', (socket) => this.#onConnection(socket));
  }

  static async open(events: WitnessEvents): Promise<Witness> {
    const dir = await tempDir('chaos');
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(dir.join('socket'), resolve);
    });
    return new Witness(dir, server, events);
  }

  /** The directory that the commands are given. */
  get path(): string {
    return this.dir.path;
  }

  /** The trees of which something lives, the oldest first. */
  alive(): Tree[] {
    return this.trees.filter((tree) => tree.endedAt === undefined);
  }

  /** Whether the tree of a run is there with all that its command leaves behind. */
  isWhole(run: string): boolean {
    return this.alive().some((tree) => tree.run === run && tree.whole);
  }

  /** The lines of the file, so far. */
  async lines(): Promise<string[]> {
    const text = await readFile(this.dir.join('witness'), 'utf8').catch(() => '');
    return text.split('\n').slice(0, -1);
  }

  /** Ends what is left of a run's tree. */
  dismiss(run: string): void {
    for (const [socket, tree] of this.#sockets) if (tree?.run === run) socket.destroy();
  }

  /** Ends every command that lives still, since each ends with its socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    await this.dir[Symbol.asyncDispose]();
  }

  #onConnection(socket: Socket): void {
    this.#sockets.set(socket, undefined);
    let tree: Tree | undefined;
    createInterface({ input: socket }).on('line', (line) => {
      const [word, token = '', pid, parent, run = ''] = line.split(' ');
      if (word === 'overlap') this.events.overlap(run);
      if (word === 'whole' && tree !== undefined) tree.whole = true;
      if (word !== 'start') return;
      const startedAt = performance.now();
      tree = {
        run,
        token: BigInt(token),
        pid: Number(pid),
        parent: Number(parent),
        startedAt,
        whole: false,
        endedAt: undefined,
      };
      this.#sockets.set(socket, tree);
      this.trees.push(tree);
      this.events.started(tree);
    });
    // A command that is killed before it has read all of nothing.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (tree === undefined) return;
      tree.endedAt = performance.now();
      this.events.treeEnded(tree);
    });
  }
}
