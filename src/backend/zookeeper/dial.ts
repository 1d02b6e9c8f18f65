import net, { type LookupFunction, type Socket } from 'node:net';
import { codeOf } from '../../util/errors.js';
import type { Server } from '../address.js';
import type { TlsOptions } from '../open-options.js';

/** How connections to servers are made. */
export interface Dial {
  /** Begins to connect; failures come as the socket's events. Names are resolved anew each time. */
  connect(server: Server): Socket;
  /** The event after which the socket carries our bytes. */
  readonly ready: 'connect' | 'secureConnect';
}

/** Codes of a certificate, ours or the server's, that the other side does not accept (OpenSSL's and Node's names). */
const REFUSALS =
  /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET|VERIFY|DECODE)|ERR_TLS_CERT_|ERR_SSL_(TLS|SSL)V[0-9.]+_(ALERT_)?|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Whether an attempt failed because of a certificate: trying again does not help. */
export function isTlsRefusal(error: unknown): boolean {
  return REFUSALS.test(codeOf(error) ?? '');
}

/**
 * Node's TLS takes milliseconds to load: only who asks for it waits for that.
 * @param lookup how a name is resolved
 */
export async function dialer(material: TlsOptions | undefined, lookup: LookupFunction): Promise<Dial> {
  if (material === undefined)
    return { ready: 'connect', connect: ({ host, port }) => net.connect({ host, port, lookup }) };
  const tls = await import('node:tls');
  return {
    ready: 'secureConnect',
    connect({ host, port }) {
      const servername = net.isIP(host) === 0 ? { servername: host } : {};
      return tls.connect({ host, port, lookup, ...servername, ...material });
    },
  };
}
