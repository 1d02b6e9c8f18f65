import net, { type Socket } from 'node:net';
import type { Server } from './hosts.js';

/** TLS material, PEM. */
export interface TlsOptions {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** How connections to servers are made. */
export interface Dial {
  /** Begins to connect; failures come as the socket's events. Names are resolved anew each time. */
  connect(server: Server): Socket;
  /** The event after which the socket carries our bytes. */
  readonly ready: 'connect' | 'secureConnect';
}

/** Node's TLS takes milliseconds to load: only who asks for it waits for that. */
export async function dialer(material: TlsOptions | undefined): Promise<Dial> {
  if (material === undefined)
    return { ready: 'connect', connect: ({ host, port }) => net.connect({ host, port }) };
  const tls = await import('node:tls');
  return {
    ready: 'secureConnect',
    connect({ host, port }) {
      const servername = net.isIP(host) === 0 ? { servername: host } : {};
      return tls.connect({ host, port, ...servername, ...material });
    },
  };
}
