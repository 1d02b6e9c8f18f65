import { type ProxyMode, startProxy, type TcpProxy } from '../helpers/proxy.js';

/** A contender's network: its own way to each server, all in one mode. */
export class ContenderLink implements AsyncDisposable {
  private constructor(private readonly proxies: readonly TcpProxy[]) {}

  /** @param addresses the servers' `127.0.0.1:PORT` */
  static async open(addresses: readonly string[]): Promise<ContenderLink> {
    const proxies: TcpProxy[] = [];
    for (const address of addresses) proxies.push(await startProxy(address, { protocol: 'raw' }));
    return new ContenderLink(proxies);
  }

  /** Its own address of each server. */
  get addresses(): readonly string[] {
    return this.proxies.map((proxy) => proxy.address);
  }

  set mode(mode: ProxyMode) {
    for (const proxy of this.proxies) proxy.mode = mode;
  }

  reset(): void {
    for (const proxy of this.proxies) proxy.reset();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.proxies) await proxy[Symbol.asyncDispose]();
  }
}
