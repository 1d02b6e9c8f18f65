import type { ILeaseKeepAliveResponse } from 'etcd3';
import type { EtcdClient } from './client.js';

/**
 * Asks once that a lease be kept for another time to live, and ends the stream: the library's own keeping alive sends again
 * by itself, and does not tell which of its requests an answer is to.
 * @returns with a `TTL` of 0 when there is no such lease
 */
export async function keepAliveOnce(
  client: EtcdClient,
  lease: bigint,
  options: { readonly deadline: number },
): Promise<ILeaseKeepAliveResponse> {
  const stream = await client.leaseClient.leaseKeepAlive(options);
  try {
    return await new Promise((resolve, reject) => {
      stream.on('data', resolve);
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('14 UNAVAILABLE: the stream ended without an answer')));
      stream.write({ ID: lease.toString() });
    });
  } finally {
    stream.end();
  }
}
