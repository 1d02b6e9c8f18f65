import { UsageError } from '../../util/errors.js';
import { parseAddress, type Server, showServer } from '../address.js';

/** Independent masters, and how to come to terms with them. */
export interface RedisAddress {
  readonly servers: readonly Server[];
  readonly db: number;
  /** Secret. */
  readonly login: Login | undefined;
}

/** Secret. Without a user it is the password of the user `default`. */
export interface Login {
  readonly user: string | undefined;
  readonly password: string;
}

/**
 * Reads `[user:password@]host:port,…[/db]`.
 * @throws UsageError naming the part that cannot be read, and never the password
 */
export function parseRedis(address: string): RedisAddress {
  const { servers, login, path } = parseAddress(address, { service: 'redis', defaultPort: 6379 });
  const names = servers.map(showServer);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageError(`redis address: expected masters of their own, got ${twice} twice`);
  }
  if (!/^(\/\d{1,9})?$/.test(path)) {
    throw new UsageError(`redis address: expected the number of a database, got ${JSON.stringify(path)}`, {
      hint: 'redis://host:port/3 is the database 3; the lock has its name elsewhere',
      settings: ['name'],
    });
  }
  return { servers, db: Number(path.slice(1)), login: login === undefined ? undefined : parseLogin(login) };
}

/**
 * Reads `user:password` or `:password`.
 * @throws UsageError that does not show it
 */
export function parseLogin(text: string): Login {
  const colon = text.indexOf(':');
  if (colon < 0) throw new UsageError('redis login: expected user:password or :password, got no colon');
  const user = text.slice(0, colon);
  return { user: user === '' ? undefined : user, password: text.slice(colon + 1) };
}
