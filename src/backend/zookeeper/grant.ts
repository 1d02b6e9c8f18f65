import type { Stat } from 'node-zookeeper-client';
import type { Handover } from './handover.js';

/** A node of ours that is a permit, as the write that confirmed it found it. */
export interface Grant {
  readonly path: string;
  readonly stat: Stat;
  /** Monotonic send time of that write, ms. */
  readonly sentAt: number;
  /** What has to be given back before the node is, once the tree is dead. */
  readonly handover?: Handover | undefined;
}
