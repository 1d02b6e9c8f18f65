/**
 * What deletes contenders' keys when it is sent over a fresh connection (their leases run out, with nothing on them): requests to etcd's HTTP gateway, which listens on the port of the
 * gRPC clients, one behind the other without waiting (HTTP/1.1 pipelining). The last one asks the server to hang up.
 *
 * With a login the requests carry the token of our last connection. A simple token lives for five minutes after its last use
 * at one server, and our renewals use it there; it is gone after that server's restart, and a token of another kind may run
 * out. The server refuses then, and the keys end with their leases.
 * @param keys no other contender ever has the same
 * @param token of the login; secret
 */
export function farewellBytes(keys: readonly string[], token: string | undefined): Buffer {
  const requests = keys.map((key, index) => {
    const body = JSON.stringify({ key: Buffer.from(key).toString('base64') });
    return [
      'POST /v3/kv/deleterange HTTP/1.1',
      'Host: etcd',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...(token === undefined ? [] : [`Authorization: ${token}`]),
      ...(index === keys.length - 1 ? ['Connection: close'] : []),
      '',
      body,
    ].join('\r\n');
  });
  return Buffer.from(requests.join(''));
}

/** As many answers as there are keys, each of success. */
export function taken(keys: number): RegExp {
  return new RegExp(String.raw`(?:HTTP/1\.1 200 (?:(?!HTTP/1\.1 ).)*){${keys}}`, 's');
}
