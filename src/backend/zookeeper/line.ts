import { type QueueNode, queueOf, tellOrder } from './contender-names.js';
import type { Nodes } from './nodes.js';

/**
 * The contenders among the children of a directory, first come first. Where their numbers do not tell, the transactions
 * that made them do: one more question a contender, in a directory whose counter is at its end.
 */
export async function inOrder(
  nodes: Pick<Nodes, 'exists'>,
  directory: string,
  children: readonly string[],
): Promise<QueueNode[]> {
  const queue = queueOf(children);
  if (tellOrder(queue)) return queue;
  const made = await Promise.all(
    queue.map(async (node) => ({ node, stat: await nodes.exists(`${directory}/${node.name}`) })),
  );
  // Who has gone meanwhile stands in line no more.
  return made
    .flatMap(({ node, stat }) =>
      stat === undefined ? [] : [{ node, transaction: stat.czxid.readBigInt64BE() }],
    )
    .sort((a, b) => (a.transaction < b.transaction ? -1 : 1))
    .map(({ node }) => node);
}
