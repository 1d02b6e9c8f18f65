import type { Redis } from 'ioredis';
import { messageOf } from '../../util/errors.js';

/** What a server says to a password that it has not got: redis 6 and later, and earlier ones. */
const UNUSED = /without any password configured|no password is set/;

/**
 * Tells of a password that the server does not ask for. ioredis would do that itself: at each connection, and on stderr,
 * past our log.
 * @param client not connected yet, and ours
 */
export function onUnusedLogin(client: Redis, tell: () => void): void {
  const auth = client.auth.bind(client);
  const heard = async (...words: [string]) => {
    try {
      return await auth(...words);
    } catch (error) {
      if (!UNUSED.test(messageOf(error))) throw error;
      tell();
      return 'OK';
    }
  };
  // ioredis calls it with one word or two and without a callback; the type has all the ways there are.
  client.auth = heard as typeof client.auth;
}
