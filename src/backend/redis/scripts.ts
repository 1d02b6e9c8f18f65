/**
 * What is done in one step on a server. Sent whole each time (EVAL): a server that was restarted knows no digest of them.
 * Redis 5 and later: they write after they have asked for the time.
 *
 * All times are the server's. It lets keys expire by its wall clock: one that is set forward ends locks too early, and
 * no client can see that.
 */

const TIME = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** A replica may lag behind, and what it is told is not kept: nothing it says counts. */
const REFUSE_REPLICA = `
if redis.call('INFO', 'replication'):match('role:(%a+)') ~= 'master' then
  return redis.error_reply('READONLY this server is a replica, which cannot grant a lock')
end
`;

/**
 * Takes the lock, or a place among the waiters. One that is ours already, since an answer was lost, is ours; if it has
 * ended since, the minimum hold that it left keeps others out, and not us, who never had it.
 * - KEYS: lock, hold, waiters, token
 * - ARGV: owner, who, ttl ms, 1 to wait, seconds for which the server must have been up
 * - answer: `granted` and the token; `held` and for how long, ms; `young` and for how long, ms
 *
 * **A server that was just started** may have forgotten a lock, or restored an old picture of it. It grants none before
 * whatever it may have forgotten has run out. Its uptime is a difference of two whole seconds, each rounded down: the
 * true one is more than that less one. Where the date was set back since the start, it is negative. A minimum hold may
 * be longer than that: it outlives a restart only where the server keeps its data.
 *
 * **What fails half way stays as it is**: no step of a script is undone. So the lock, which does not exist yet, is given an
 * end and deleted first, for nothing: who may not do these two, or asks for an end that cannot be, leaves no lock that
 * never ends.
 *
 * **The token** is the server's time in microseconds, or one more than the last one if that is not less: it rises also
 * over a loss of all data. Lua's numbers are whole up to 2^53, that is until the year 2255.
 */
export const CONTEND = `${REFUSE_REPLICA}${TIME}
local owner, who, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('HGET', KEYS[1], 'owner') == owner then
  redis.call('PEXPIRE', KEYS[1], ttl)
  return {'granted', redis.call('HGET', KEYS[1], 'token')}
end
local uptime = tonumber(redis.call('INFO', 'server'):match('uptime_in_seconds:(%-?%d+)'))
local kept = redis.call('GET', KEYS[2])
local answer
if uptime < tonumber(ARGV[5]) then
  answer = {'young', (tonumber(ARGV[5]) - uptime) * 1000}
elseif redis.call('EXISTS', KEYS[1]) == 1 then
  answer = {'held', redis.call('PTTL', KEYS[1])}
elseif kept and kept:sub(1, #owner) ~= owner then
  answer = {'held', redis.call('PTTL', KEYS[2])}
end
if answer then
  if ARGV[4] == '1' then
    local mine = redis.call('HGET', KEYS[3], owner)
    local since = mine and mine:match('^%d+ (%d+)') or string.format('%.0f', now)
    local all = redis.call('HGETALL', KEYS[3])
    for i = 1, #all, 2 do
      if tonumber(all[i + 1]:match('^%d+')) < now then redis.call('HDEL', KEYS[3], all[i]) end
    end
    redis.call('HSET', KEYS[3], owner, string.format('%.0f', now + ttl) .. ' ' .. since .. ' ' .. who)
    if redis.call('PTTL', KEYS[3]) < ttl then redis.call('PEXPIRE', KEYS[3], ttl) end
  end
  return answer
end
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('DEL', KEYS[1])
local token = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[4]) or '0')
if token <= last then token = last + 1 end
token = string.format('%.0f', token)
local since = string.format('%.0f', now)
redis.call('SET', KEYS[4], token)
redis.call('HSET', KEYS[1], 'owner', owner, 'who', who, 'since', since, 'token', token)
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('HDEL', KEYS[3], owner)
return {'granted', token}
`;

/**
 * Makes the minimum hold of a lock that is ours. A step of its own, once the lock was granted: a grant of which nobody hears
 * (one that was given up, and is served late by a server that was frozen; one that a majority did not follow) ends with
 * the timeout, and a hold may be for a day.
 * - KEYS: lock, hold
 * - ARGV: owner, hold ms
 * - answer: `held`; `gone` when the lock is not ours any more
 */
export const HOLD = `${REFUSE_REPLICA}
local lock = redis.call('HMGET', KEYS[1], 'owner', 'since', 'who')
if lock[1] ~= ARGV[1] then return 'gone' end
redis.call('SET', KEYS[2], table.concat(lock, ' '), 'PX', ARGV[2])
return 'held'
`;

/**
 * Keeps the lock for another time, if it is ours.
 * - KEYS: lock
 * - ARGV: owner, ttl ms
 * - answer: `renewed`; `gone`; `taken` by another
 */
export const RENEW = `${REFUSE_REPLICA}
local owner = redis.call('HGET', KEYS[1], 'owner')
if not owner then return 'gone' end
if owner ~= ARGV[1] then return 'taken' end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'renewed'
`;

/**
 * Takes all of ours away, and nothing of others.
 * - KEYS: lock, hold, waiters
 * - ARGV: owner, channel, and how: `release` leaves the minimum hold, `cancel` takes that, too, since nobody ever had
 *   the lock, and `undo` does the same and tells nobody, since the lock was not to be had
 *
 * One who may not publish may give back all the same: the waiters look every so often.
 */
export const LEAVE = `
local owner, how = ARGV[1], ARGV[3]
redis.call('HDEL', KEYS[3], owner)
if how ~= 'release' then
  local hold = redis.call('GET', KEYS[2])
  if hold and hold:sub(1, #owner) == owner then redis.call('DEL', KEYS[2]) end
end
if redis.call('HGET', KEYS[1], 'owner') == owner then
  redis.call('DEL', KEYS[1])
  if how ~= 'undo' then redis.pcall('PUBLISH', ARGV[2], '') end
end
return 'left'
`;

/**
 * Looks, and changes nothing.
 * - KEYS: lock, hold, waiters
 * - answer: time ms; owner, who and since of the lock; text and ms left of the hold; waiters as owner, text, …
 */
export const LOOK = `${REFUSE_REPLICA}${TIME}
return {
  now,
  redis.call('HMGET', KEYS[1], 'owner', 'who', 'since'),
  redis.call('GET', KEYS[2]),
  redis.call('PTTL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
}
`;
