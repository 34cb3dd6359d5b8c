-- ARGV: number, token, ttl, rest (blob of pictures without an outcome, or empty), due ('' for immediately,
-- 'keep' for a chunk that stays leased),
-- stages (repeated 'name pictures microseconds', or empty), number of embedded pictures, their ordinals…, then triples
-- of ordinal, reason, record for the failures.
-- Setting a bit twice changes nothing, so a repeated finish counts nothing twice.
local state = redis.call('HGET', JOB, 'state')
if not state then return {'unknown', 0, 0, 0} end
even_when_full()
local held = redis.call('HGET', TOKENS, ARGV[1]) == ARGV[2]
-- An embedded picture is in the store, whichever worker put it there. A failure counts only from the worker that has the
-- chunk: otherwise another worker is retrying the picture, unless the job is being cancelled.
local failures_count = held or state == 'cancelling' or state == 'cancelled'
local embedded, failed, by_reason = 0, 0, {}
local last = 7 + tonumber(ARGV[7])
-- Look for earlier failures and cancels only if there are any: usually there are none.
local any_failed, any_cancelled = count('failed') > 0, count('cancelled') > 0
-- One command sets many bits and returns their old values; Lua can pass only a few thousand arguments.
for first = 8, last, 256 do
  local set, size = {}, 0
  for index = first, math.min(first + 255, last) do
    set[size + 1], set[size + 2], set[size + 3], set[size + 4] = 'SET', 'u1', ARGV[index], '1'
    size = size + 4
  end
  for at, before in ipairs(redis.call('BITFIELD', EMBEDDED, unpack(set))) do
    if before == 0 then
      local ordinal = ARGV[first + at - 1]
      embedded = embedded + 1
      if any_failed then unfail(ordinal) end
      if any_cancelled then uncancel(ordinal) end
    end
  end
end
if embedded > 0 then redis.call('HINCRBY', JOB, 'embedded', embedded) end
for index = last + 1, failures_count and #ARGV or last, 3 do
  local ordinal, reason, record = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  if redis.call('GETBIT', EMBEDDED, ordinal) == 0 then
    if not unfail(ordinal) then
      failed = failed + 1
      by_reason[reason] = (by_reason[reason] or 0) + 1
      uncancel(ordinal)
    end
    redis.call('SETBIT', FAILED, ordinal, 1)
    redis.call('HSET', FAILURES, ordinal, reason .. ' ' .. record)
    redis.call('HINCRBY', JOB, 'failed', 1)
    redis.call('HINCRBY', JOB, 'reason:' .. reason, 1)
  end
end
if held then
  for stage, pictures, micros in string.gmatch(ARGV[6], '(%S+) (%d+) (%d+)') do
    redis.call('HINCRBY', JOB, 'stage:' .. stage .. ':pictures', pictures)
    redis.call('HINCRBY', JOB, 'stage:' .. stage .. ':micros', micros)
  end
  local over = ARGV[4] == '' or state == 'cancelling'
  if over or ARGV[5] ~= 'keep' then forget_lease(ARGV[1]) end
  if over then
    redis.call('HDEL', ATTEMPTS, ARGV[1])
    redis.call('DEL', BLOB)
  elseif ARGV[5] == 'keep' then
    -- The chunk made progress: remember only one of the deaths on it, plus the current attempt.
    if tonumber(redis.call('HGET', ATTEMPTS, ARGV[1])) > 2 then redis.call('HSET', ATTEMPTS, ARGV[1], 2) end
    redis.call('SET', BLOB, ARGV[4])
  else
    -- Give back only this attempt: a chunk on which a worker died is treated as such until it is done.
    redis.call('HINCRBY', ATTEMPTS, ARGV[1], -1)
    redis.call('SET', BLOB, ARGV[4])
    redis.call('ZADD', DUE, ARGV[5] ~= '' and ARGV[5] or score(now()), ARGV[1])
  end
end
local answer = {settle(ARGV[3]), held and 1 or 0, embedded, failed, score(now())}
for reason, times in pairs(by_reason) do
  answer[#answer + 1] = reason
  answer[#answer + 1] = times
end
return answer
