import type { ErrorDetails } from '../util/errors.js';

/** No server gave an answer. */
export const OUT_OF_REACH = {
  hint: 'check that the servers are up and the address is right',
  settings: ['url'],
} as const satisfies ErrorDetails;

/** The same where a server with TLS and one without look alike to who speaks to it in the wrong way. */
export const OUT_OF_REACH_OR_TLS = {
  hint: 'check that the servers are up, the address is right, and TLS is asked for where they have it',
  settings: ['url'],
} as const satisfies ErrorDetails;

/** One side of TLS does not accept the other. */
export const TLS_REFUSED = {
  hint: 'check the certificates, and the name in that of the server',
  settings: ['tls'],
} as const satisfies ErrorDetails;
