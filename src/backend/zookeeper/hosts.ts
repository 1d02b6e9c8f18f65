import { UsageError } from '../../util/errors.js';
import { parseAddress, type Server } from '../address.js';

/** Where an ensemble is, and below which node everything of ours lives there. */
export interface Ensemble {
  readonly servers: readonly Server[];
  /** `''`, or a path without a trailing slash. */
  readonly chroot: string;
}

/**
 * Reads `host:port,…[/chroot]`, spaces allowed around each server, IPv6 addresses bare or in brackets.
 * The client library's own parser knows neither spaces nor IPv6 and lets a bad port crash the process later.
 * @throws UsageError naming the part that cannot be read
 */
export function parseEnsemble(address: string): Ensemble {
  const { servers, login, path } = parseAddress(address, {
    service: 'ZooKeeper',
    defaultPort: 2181,
    atInPath: true,
  });
  if (login !== undefined) {
    throw new UsageError('ZooKeeper address: expected host:port,…[/chroot], got a login before "@"', {
      hint: 'credentials have a setting of their own',
      settings: ['login'],
    });
  }
  return { servers, chroot: checkChroot(path) };
}

function checkChroot(chroot: string): string {
  const segments = chroot.split('/').slice(1);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new UsageError(
      `ZooKeeper address: expected a chroot of plain node names, such as /app/locks, got ${JSON.stringify(chroot)}`,
    );
  }
  return chroot;
}
