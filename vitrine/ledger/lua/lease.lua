-- ARGV: number, seconds, token. The attempt is counted before any work is done.
local state = redis.call('HGET', JOB, 'state')
if not state then return {'unknown'} end
if state == 'cancelling' or state == 'cancelled' then return {'cancelled'} end
local blob = redis.call('GET', BLOB)
if not blob then return {'done'} end
local t = now()
local until_ = redis.call('ZSCORE', LEASED, ARGV[1])
if until_ and tonumber(until_) > t then
  if redis.call('HGET', TOKENS, ARGV[1]) ~= ARGV[3] then return {'leased'} end
  -- The client repeats the call because our first reply was lost: same lease, same attempt.
  local again = tonumber(redis.call('HGET', ATTEMPTS, ARGV[1]) or '1')
  return {'ok', blob, again, redis.call('HGET', JOB, 'spec'), redis.call('HGETALL', STRIKES)}
end
local due = redis.call('ZSCORE', DUE, ARGV[1])
if due and tonumber(due) > t then return {'not_due'} end
even_when_full()
redis.call('ZREM', QUEUED, ARGV[1])
redis.call('ZREM', DUE, ARGV[1])
note_term(ARGV[2])
redis.call('ZADD', LEASED, score(t + tonumber(ARGV[2])), ARGV[1])
redis.call('HSET', TOKENS, ARGV[1], ARGV[3])
local attempt = redis.call('HINCRBY', ATTEMPTS, ARGV[1], 1)
-- The previous attempt died while it processed a picture: a strike against that picture.
local suspect = redis.call('HGET', SUSPECT, ARGV[1])
if suspect then
  redis.call('HINCRBY', STRIKES, suspect, 1)
  redis.call('HDEL', SUSPECT, ARGV[1])
end
return {'ok', blob, attempt, redis.call('HGET', JOB, 'spec'), redis.call('HGETALL', STRIKES)}
