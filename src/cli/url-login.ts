import { serviceOf } from '../backend/registry.js';
import { UsageError } from '../util/errors.js';

/**
 * A URL without a login, with that of another URL of the same servers, if it has one. Other servers are not told it.
 * @param whole as somebody wrote it; one that cannot be read has none
 */
export function withLoginOf(whole: string, url: string): string {
  const login = /^[^/]*:\/\/([^/]*@)/.exec(whole)?.[1];
  if (login === undefined || !sameServers(whole, url)) return url;
  return url.replace('://', () => `://${login}`);
}

function sameServers(one: string, other: string): boolean {
  try {
    const [mine, theirs] = [one, other].map((url) => {
      const service = serviceOf(url);
      return `${service.name} ${[...service.servers(url)].sort().join()}`;
    });
    return mine === theirs;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}
