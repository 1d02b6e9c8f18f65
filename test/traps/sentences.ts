/**
 * What lock runners and lock recipes got wrong in the field, by the numbers of the list that this project began with. A test
 * that shows one is called `trap N: ` and the sentence; where several do, the rest of the title tells them apart.
 */
export const TRAPS: ReadonlyMap<number, string> = new Map([
  [
    1,
    "With the socket black-holed (no RST), the child tree is dead before a second client's lock is granted, for every grace setting accepted",
  ],
  [
    2,
    'The deadline uses the negotiated timeout: with server maxSessionTimeout below the request, the kill still precedes expiry',
  ],
  [
    3,
    'The deadline counts from when the last acknowledged write was *sent*, not when its reply arrived or the drop was noticed',
  ],
  [
    4,
    'A disconnect shorter than the deadline (server restart, leader change, rolling upgrade of 3 nodes, one TCP RST) does not signal the child and keeps the same lock node and session',
  ],
  [
    5,
    'A server that accepts TCP but never answers the connect request is abandoned in time for another server to be tried before the deadline',
  ],
  [6, 'A half-open connection (pongs stop, writes succeed) is declared dead within 2/3 of the timeout'],
  [7, 'System clock jumps (±1 h) neither kill nor prolong; a monotonic clock is used'],
  [
    8,
    'Event loop blocked or VM suspended past the timeout: on waking, the child is killed before any reconnect is used',
  ],
  [
    9,
    'SIGSTOP of the supervisor past the session: the child is dead (guardian) before another holder starts',
  ],
  [
    10,
    'kill -9 / OOM / crash of the supervisor: the whole tree dies within a bound below the session timeout',
  ],
  [11, 'kill -9 of the guardian alone is noticed and either repaired or ends the job'],
  [
    12,
    'Expired session, AUTH_FAILED and an admin\'s deletion of the lock node are each treated as loss, with a distinct message and the "lost" exit code',
  ],
  [
    13,
    'A new session\'s connect never revives "held": after expiry the node from the old session is not trusted even if still listed (CURATOR-604/498)',
  ],
  [
    14,
    "A reconnect to a lagging follower (older zxid) doesn't yield a stale children list that grants the lock (sync before deciding, or lastZxid honoured)",
  ],
  [15, 'A read-only server (readonlymode) never grants or confirms a lock'],
  [
    16,
    'Create succeeds but the reply is lost: after reconnect exactly one node of ours exists and is used (GUID found), and after an expired session the old one is not adopted',
  ],
  [
    17,
    'Timeout, SIGTERM or crash at every step of acquire (before/after create, list, watch) leaves no node behind once the session ends, and at once when connected',
  ],
  [
    18,
    'Delete fails with ConnectionLoss on release: it is retried until NoNode or the session is closed/expired; exit does not leave a ghost for longer than the session',
  ],
  [
    19,
    'The lock is decided by numeric sequence, not by whole-name sort: random GUID prefixes never change the order',
  ],
  [
    20,
    'Order stays right across 2147483647 → −2147483648 (serial-number arithmetic, "-" in the suffix parsed)',
  ],
  [21, 'Foreign or malformed children in the directory are ignored, not crashed on, and never counted'],
  [
    22,
    "The predecessor vanishing between list and watch doesn't hang; exists()-on-missing never leaves us waiting on a creation (shayhatsor#26)",
  ],
  [23, "A middle waiter's death doesn't grant the lock to its successor while the holder lives"],
  [24, 'Watches lost in a reconnect are re-armed or re-checked: deletion during the disconnect is noticed'],
  [25, 'N waiters: one release wakes exactly one (count server watch events ≤ 2), order is FIFO'],
  [
    26,
    "Parent deleted (container reaper, admin) between ensure and create: NoNode is retried; parent cleanup never deletes another's lock; containers used when the server supports them, fallback on UNIMPLEMENTED",
  ],
  [
    27,
    "After a parent re-creation the late ex-owner can't delete the new owner's node of the same number (delete by full GUID name, version/czxid check)",
  ],
  [
    28,
    "Two processes on one host, same command, never share identity; the default lock id of equal argv is equal on all hosts and runtimes (lockex bug) and differs for `a b` vs `'a b'`",
  ],
  [
    29,
    'Ownership is confirmed (node exists, ephemeralOwner = our session) immediately before spawn; a session lost between grant and spawn starts no child',
  ],
  [
    30,
    'Signals while waiting end promptly (<1 s) and remove our node; shutdown racing the grant never starts the child (consul #800/#1155)',
  ],
  [
    31,
    '`--timeout 0`/try returns at once, wall time ≤ timeout + ε even with the server unreachable; a won race at the deadline is either used or released, never leaked',
  ],
  [
    32,
    'Never more than N trees alive at any instant under kill/partition chaos; N+1st starts only after one is dead',
  ],
  [
    33,
    'Different N by two clients: refused with a clear code, no traceback; limit creation is atomic (two first-comers with different N: one fails)',
  ],
  [35, 'Plain lock vs semaphore vs shared on one path is refused'],
  [36, 'Reconnect/interrupt during lease creation leaks no lease (CURATOR-315/335/462)'],
  [37, 'Readers/writers mixed queues never deadlock (kazoo#649)'],
  [
    38,
    "Exit 0..255 passed exactly and within 100 ms; death by signal n gives 128+n; exec failure 127/126; lock-lost code wins over the child's code caused by our kill",
  ],
  [
    39,
    'TERM → grace → KILL reaches child, grandchildren, background jobs after the shell has gone, and setsid/double-forked ones where supported; the group is still killed if the leader already exited',
  ],
  [
    40,
    "A child ignoring TERM is killed at grace end; a child that cleans up within the grace isn't KILLed; a second TERM/INT escalates",
  ],
  [
    41,
    'HUP, QUIT, USR1, USR2, WINCH, CONT, TSTP forwarded; Ctrl-C at a tty delivers exactly one INT to the child; foreground tty control and job control work',
  ],
  [
    42,
    'The lock node still exists until the last process of the tree is reaped, in normal exit, TERM, timeout and hook failure; if kill fails the node is kept',
  ],
  [
    43,
    'Command exits but leaves a background grandchild: policy is explicit (kill, wait or release) and tested',
  ],
  [
    44,
    'argv with spaces, quotes, newlines, `--`, leading dashes, empty strings and non-UTF-8 bytes arrives byte-exact; no shell unless asked',
  ],
  [
    45,
    "stdin, stdout, stderr inherited unbuffered (isatty preserved; closed stdout/EPIPE doesn't kill the supervision)",
  ],
  [
    46,
    'Env: nested runs see their own token/path, not the outer; token strictly increases across successive holders, also across session changes, parent re-creation, sequence wrap',
  ],
  [47, "No fd (ZK socket, guard pipe) leaks into the child so that a daemon can't keep them open"],
  [48, 'PID reuse: no kill is sent to a pid after it was reaped'],
  [49, 'PID-1-in-container: zombies reaped, default signal dispositions right'],
  [
    50,
    'Wrong password/ACL/TLS fails fast with own exit code and never falls back to plaintext or world ACL; secrets absent from argv, logs and node data',
  ],
  [
    51,
    'DNS names re-resolved on reconnect; one dead server of three adds no more than its share of the connect budget',
  ],
  [54, 'An uncaught error in the supervisor kills the tree before exit'],
  [
    55,
    'Jepsen-style: under random kill -9/STOP/partition/restart for minutes, a witness file written by children shows no overlapping intervals and strictly rising tokens',
  ],
]);
