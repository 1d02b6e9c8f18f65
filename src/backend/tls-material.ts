import { codeOf, messageOf, UsageError } from '../util/errors.js';
import type { TlsOptions } from './open-options.js';

/**
 * Sees that TLS can be begun with this material. The client libraries would take what is no PEM for a server that cannot be
 * reached, and Node takes an authority that it cannot read for none.
 * @throws UsageError naming the part, never showing it
 */
export async function checkTlsMaterial({ ca, cert, key }: TlsOptions): Promise<void> {
  // They take milliseconds to load: only who asks for TLS waits for that.
  const [{ createSecureContext }, { X509Certificate }] = await Promise.all([
    import('node:tls'),
    import('node:crypto'),
  ]);
  if (ca !== undefined) check("an authority's certificate in PEM", () => new X509Certificate(ca));
  if (cert !== undefined) check('a certificate in PEM', () => createSecureContext({ cert }));
  if (key !== undefined)
    check('a private key in PEM, without a passphrase', () => createSecureContext({ key }));
  if (cert !== undefined && key !== undefined) {
    check('the private key of the certificate', () => createSecureContext({ cert, key }));
  }
}

function check(expected: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw new UsageError(
      `TLS: expected ${expected}, got something else (${codeOf(error) ?? messageOf(error)})`,
      {
        cause: error,
        settings: ['tls'],
      },
    );
  }
}
