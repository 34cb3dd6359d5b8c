-- Shared head of every script. KEYS 1..14 are a job's keys in the order of `scripts.KEY_NAMES`;
-- KEYS[15], if given, is one chunk's blob. All have the job's hash tag, so they share a cluster slot.
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

-- A full Redis refuses a script's first write if it could need memory, and allows all later ones. Scripts that finish work,
-- and so free memory, begin with this write: it needs no memory and changes nothing.
local function even_when_full()
  redis.call('HDEL', JOB, '')
end

local function remaining()
  local counts = redis.call('HMGET', JOB, 'images', 'embedded', 'failed', 'cancelled')
  for index = 1, 4 do counts[index] = tonumber(counts[index] or '0') end
  return counts[1] - counts[2] - counts[3] - counts[4]
end

-- Whether the job's last chunk has a mark other than the producer expects; `checked` is empty if it writes no marks.
local function parted(checked, after)
  if checked == '' then return false end
  if after == '' then return redis.call('STRLEN', MARKS) > 0 end
  return redis.call('GETRANGE', MARKS, -#after, -1) ~= after
end

local function enter(state)
  redis.call('HSET', JOB, 'state', state, 'updated', score(now()))
end

-- A finished job is deleted after `ttl` seconds; keys that do not exist are ignored.
local function finished(state, ttl)
  enter(state)
  redis.call('HSET', JOB, 'finished', score(now()))
  for index = 1, 14 do redis.call('EXPIRE', KEYS[index], ttl) end
  return state
end

-- Undo an earlier failure of a picture. Reads the bit first: writing a 0 would grow the bitmap to that length.
local function unfail(ordinal)
  if redis.call('GETBIT', FAILED, ordinal) == 0 then return false end
  redis.call('SETBIT', FAILED, ordinal, 0)
  local reason = string.match(redis.call('HGET', FAILURES, ordinal) or '', '^(%S+) ')
  redis.call('HDEL', FAILURES, ordinal)
  redis.call('HINCRBY', JOB, 'failed', -1)
  if reason then redis.call('HINCRBY', JOB, 'reason:' .. reason, -1) end
  return true
end

-- An outcome that arrives after its picture was counted as cancelled replaces the cancellation.
local function uncancel(ordinal)
  if redis.call('GETBIT', CANCELLED, ordinal) == 1 then
    redis.call('SETBIT', CANCELLED, ordinal, 0)
    redis.call('HINCRBY', JOB, 'cancelled', -1)
  end
end

-- The longest term requested for any lease of this job: a lease that ends later was made before the clock was set back.
local function note_term(seconds)
  if tonumber(seconds) > count('term') then redis.call('HSET', JOB, 'term', seconds) end
end

local function forget_lease(number)
  redis.call('ZREM', LEASED, number)
  redis.call('HDEL', TOKENS, number)
  redis.call('HDEL', SUSPECT, number)
end

-- Cancel everything without an outcome: NOT (embedded OR failed), truncated to the job's length.
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

-- Called once every picture has its outcome: a bulk job then waits for its collection's index, any other is done.
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
