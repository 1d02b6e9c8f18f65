import type { Session } from '../../../src/backend/zookeeper/session.js';

/** The paths of all nodes below `path`, itself included; none when it does not exist. */
export async function treeBelow(session: Session, path: string): Promise<string[]> {
  const children = await session.nodes.getChildren(path === '' ? '/' : path).catch(() => undefined);
  if (children === undefined) return [];
  const below = await Promise.all(children.map((name) => treeBelow(session, `${path}/${name}`)));
  return [path, ...below.flat()];
}
