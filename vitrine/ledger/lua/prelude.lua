-- Shared head of every script. KEYS 1..14 are a job's keys in the order of `redis_ledger.KEY_NAMES`;
-- KEYS[15], where given, is one chunk's blob. All carry the job's hash tag, so they share a cluster slot.
local JOB, EMBEDDED, FAILED, CANCELLED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FAILURES, PROBLEMS, QUEUED, LEASED, DUE = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local TOKENS, ATTEMPTS, SUSPECT, STRIKES = KEYS[10], KEYS[11], KEYS[12], KEYS[13]
local MARKS, BLOB = KEYS[14], KEYS[15]

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) + tonumber(t[2]) / 1e6
end

local function score(value)
  return string.format('%.6f', value)
end

local function count(field)
  return tonumber(redis.call('HGET', JOB, field) or '0')
end

-- A full Redis refuses a script's first write where it could take memory, and lets every later one go on. What brings work
-- to its end, and so frees memory, begins with this: it could take none, and changes nothing.
local function even_when_full()
  redis.call('HDEL', JOB, '')
end

local function remaining()
  local counts = redis.call('HMGET', JOB, 'images', 'embedded', 'failed', 'cancelled')
  for index = 1, 4 do counts[index] = tonumber(counts[index] or '0') end
  return counts[1] - counts[2] - counts[3] - counts[4]
end

-- Whether the job's last chunk has another mark than the producer believes; `checked` is empty where it does not mark.
local function parted(checked, after)
  if checked == '' then return false end
  if after == '' then return redis.call('STRLEN', MARKS) > 0 end
  return redis.call('GETRANGE', MARKS, -#after, -1) ~= after
end

local function enter(state)
  redis.call('HSET', JOB, 'state', state, 'updated', score(now()))
end

-- A finished job is forgotten after `ttl` seconds; keys that do not exist are passed over.
local function finished(state, ttl)
  enter(state)
  redis.call('HSET', JOB, 'finished', score(now()))
  for index = 1, 14 do redis.call('EXPIRE', KEYS[index], ttl) end
  return state
end

-- Take an earlier failure of a picture back. Looked at first: to write a 0 would make the bitmap that long.
local function unfail(ordinal)
  if redis.call('GETBIT', FAILED, ordinal) == 0 then return false end
  redis.call('SETBIT', FAILED, ordinal, 0)
  local reason = string.match(redis.call('HGET', FAILURES, ordinal) or '', '^(%S+) ')
  redis.call('HDEL', FAILURES, ordinal)
  redis.call('HINCRBY', JOB, 'failed', -1)
  if reason then redis.call('HINCRBY', JOB, 'reason:' .. reason, -1) end
  return true
end

-- An outcome that comes after its picture was counted as cancelled replaces that.
local function uncancel(ordinal)
  if redis.call('GETBIT', CANCELLED, ordinal) == 1 then
    redis.call('SETBIT', CANCELLED, ordinal, 0)
    redis.call('HINCRBY', JOB, 'cancelled', -1)
  end
end

-- The longest term that a lease of this job was ever asked for: one that ends later was made before the clock was set back.
local function note_term(seconds)
  if tonumber(seconds) > count('term') then redis.call('HSET', JOB, 'term', seconds) end
end

local function forget_lease(number)
  redis.call('ZREM', LEASED, number)
  redis.call('HDEL', TOKENS, number)
  redis.call('HDEL', SUSPECT, number)
end

-- Everything without an outcome is cancelled: NOT (embedded OR failed), cut to the job's length.
local function finish_cancel(ttl)
  local images = count('images')
  if images > 0 then
    local last = images - 1
    redis.call('SETBIT', EMBEDDED, last, redis.call('GETBIT', EMBEDDED, last))
    redis.call('BITOP', 'OR', CANCELLED, EMBEDDED, FAILED)
    redis.call('BITOP', 'NOT', CANCELLED, CANCELLED)
    for bit = images, math.ceil(images / 8) * 8 - 1 do redis.call('SETBIT', CANCELLED, bit, 0) end
  end
  redis.call('HSET', JOB, 'cancelled', redis.call('BITCOUNT', CANCELLED))
  return finished('cancelled', ttl)
end

local function complete(ttl)
  return finished(count('failed') > 0 and 'completed_with_failures' or 'completed', ttl)
end

-- Every picture has its outcome: a bulk job waits for its collection's index, any other is done.
local function settle_outcomes(ttl)
  local bulk = count('bulk')
  if bulk == 0 or count('embedded') < bulk then return complete(ttl) end
  redis.call('HDEL', JOB, 'index:indexed', 'index:points', 'index:seen', 'index:still')
  enter('indexing')
  return 'indexing'
end

local function settle(ttl)
  local state = redis.call('HGET', JOB, 'state')
  if state == 'running' and remaining() == 0 then return settle_outcomes(ttl) end
  if state == 'cancelling' and redis.call('ZCARD', LEASED) == 0 then return finish_cancel(ttl) end
  redis.call('HSET', JOB, 'updated', score(now()))
  return state
end
