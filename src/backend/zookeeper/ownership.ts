import type { Stat } from 'node-zookeeper-client';
import { showServer } from '../address.js';
import { formatEvidence, readEvidence } from '../evidence.js';
import type { Ensemble } from './hosts.js';
import type { Nodes } from './nodes.js';
import { failedWith } from './operation-error.js';
import type { Session } from './session.js';

/** What proves to another session that a permit is still that of the session it was granted to. */
export function evidenceOf({ servers, chroot }: Ensemble, path: string, stat: Stat): string {
  return formatEvidence({
    url: `zk://${servers.map(showServer).join(',')}${chroot}`,
    node: path,
    ...marksOf(stat),
  });
}

/**
 * Whether the permit that `evidence` tells of is still held, as of a moment between the call and the answer.
 *
 * The write comes first: a follower that is cut off from its leader answers reads for seconds after the leader has
 * given the lock to another, and acknowledges no write. It needs no right: a refusal is the leader's answer, too.
 * @throws UsageError when the evidence cannot be read; the reason of `signal`, or of the session's end
 */
export function owns(session: Session, evidence: string, signal: AbortSignal): Promise<boolean> {
  const node = readEvidence(evidence)('node');
  return session.persist(async () => {
    try {
      await session.nodes.barrier(`${node}-`);
    } catch (error) {
      if (!failedWith(error, 'NO_AUTH')) throw error;
    }
    return looksOwned(session.nodes, evidence);
  }, signal);
}

/** The same, as the one server knows it that we are connected to: it may be long out of date. */
export async function looksOwned(nodes: Nodes, evidence: string): Promise<boolean> {
  const fact = readEvidence(evidence);
  const stat = await nodes.exists(fact('node'));
  if (stat === undefined) return false;
  const marks = marksOf(stat);
  return marks.session === fact('session') && marks.token === fact('token');
}

/** The session that a node belongs to, and the transaction that made it: no other node ever has both. */
function marksOf(stat: Stat): { readonly session: string; readonly token: string } {
  return {
    session: `0x${stat.ephemeralOwner.readBigUInt64BE().toString(16)}`,
    token: stat.czxid.readBigInt64BE().toString(),
  };
}
