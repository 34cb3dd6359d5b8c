-- ARGV: number, token, ttl, rest (blob of pictures without an outcome, or empty), due ('' for at once),
-- count of embedded, their ordinals…, then triples of ordinal, reason, record for the failures.
-- Setting a bit twice changes nothing, so a second finish counts nothing twice.
local state = redis.call('HGET', JOB, 'state')
if not state then return {'unknown', 0, 0, 0} end
local held = redis.call('HGET', TOKENS, ARGV[1]) == ARGV[2]
local embedded, failed = 0, 0
local last = 6 + tonumber(ARGV[6])
for index = 7, last do
  local ordinal = ARGV[index]
  if redis.call('SETBIT', EMBEDDED, ordinal, 1) == 0 then
    embedded = embedded + 1
    unfail(ordinal)
    uncancel(ordinal)
  end
end
if embedded > 0 then redis.call('HINCRBY', JOB, 'embedded', embedded) end
for index = last + 1, #ARGV, 3 do
  local ordinal, reason, record = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  if redis.call('GETBIT', EMBEDDED, ordinal) == 0 then
    if not unfail(ordinal) then
      failed = failed + 1
      uncancel(ordinal)
    end
    redis.call('SETBIT', FAILED, ordinal, 1)
    redis.call('HSET', FAILURES, ordinal, reason .. ' ' .. record)
    redis.call('HINCRBY', JOB, 'failed', 1)
    redis.call('HINCRBY', JOB, 'reason:' .. reason, 1)
  end
end
if held then
  forget_lease(ARGV[1])
  redis.call('HDEL', ATTEMPTS, ARGV[1])
  if ARGV[4] == '' or state == 'cancelling' then
    redis.call('DEL', BLOB)
  else
    redis.call('SET', BLOB, ARGV[4])
    redis.call('ZADD', DUE, ARGV[5] ~= '' and ARGV[5] or score(now()), ARGV[1])
  end
end
return {settle(ARGV[3]), held and 1 or 0, embedded, failed}
