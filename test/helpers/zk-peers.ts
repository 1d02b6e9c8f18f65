import { freePort } from './ports.js';
import { startProxy, type TcpProxy } from './proxy.js';

/** The two ports on which a server of an ensemble listens for its peers. */
interface PeerPorts {
  readonly quorum: number;
  readonly election: number;
}

interface Way {
  readonly from: number;
  readonly to: number;
  readonly quorum: TcpProxy;
  readonly election: TcpProxy;
}

/**
 * The network between the servers of an ensemble: each server reaches each other one through proxies of its own,
 * so that one can be cut off from its peers while clients still reach it. Needs no privileges, and ends with this
 * process.
 */
export class PeerNetwork implements AsyncDisposable {
  private constructor(
    private readonly ports: readonly PeerPorts[],
    private readonly ways: readonly Way[],
  ) {}

  static async create(size: number): Promise<PeerNetwork> {
    const ports: PeerPorts[] = [];
    for (let i = 0; i < size; i++) ports.push({ quorum: await freePort(), election: await freePort() });
    const ways: Way[] = [];
    for (const [from] of ports.entries()) {
      for (const [to, target] of ports.entries()) {
        if (from !== to) ways.push(await createWay(from, to, target, () => network));
      }
    }
    const network = new PeerNetwork(ports, ways);
    return network;
  }

  /** The `server.N=` lines of the configuration of server `self` (from 0; N is from 1). */
  configFor(self: number): string[] {
    return this.ports.map((own, to) => {
      const way = this.ways.find((candidate) => candidate.from === self && candidate.to === to);
      const [quorum, election] = way ? [way.quorum.port, way.election.port] : [own.quorum, own.election];
      return `server.${to + 1}=127.0.0.1:${quorum}:${election}`;
    });
  }

  /** Silence between server `index` and its peers, both ways. */
  cut(index: number): void {
    this.#setMode(index, 'blackhole');
  }

  /** Undoes `cut`: what was held is delivered. */
  heal(index: number): void {
    this.#setMode(index, 'pass');
  }

  /**
   * The first message on an election connection tells the sender's own election address, and a server with a
   * higher id dials back to it instead of using its own configuration: point it to the proxy.
   */
  rewriteGreeting(chunk: Buffer, sender: number, receiver: number): Buffer {
    const own = this.ports[sender];
    const back = this.ways.find((way) => way.from === receiver && way.to === sender);
    if (own === undefined || back === undefined) return chunk;
    const at = chunk.indexOf(`127.0.0.1:${own.election}`);
    if (at < 0) return chunk;
    const rewritten = Buffer.from(chunk);
    rewritten.write(back.election.address, at);
    return rewritten;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.ways) {
      await way.quorum[Symbol.asyncDispose]();
      await way.election[Symbol.asyncDispose]();
    }
  }

  #setMode(index: number, mode: 'pass' | 'blackhole'): void {
    for (const way of this.ways) {
      if (way.from !== index && way.to !== index) continue;
      way.quorum.mode = mode;
      way.election.mode = mode;
    }
  }
}

/** A follower dials its leader the moment both know the vote: a refusal then would cost another election. */
const PATIENCE = { protocol: 'raw', dialPatienceMs: 1_000 } as const;

async function createWay(
  from: number,
  to: number,
  target: PeerPorts,
  network: () => PeerNetwork,
): Promise<Way> {
  return {
    from,
    to,
    quorum: await startProxy(`127.0.0.1:${target.quorum}`, PATIENCE),
    election: await startProxy(`127.0.0.1:${target.election}`, {
      ...PATIENCE,
      rewriteFirst: (chunk) => network().rewriteGreeting(chunk, from, to),
    }),
  };
}
