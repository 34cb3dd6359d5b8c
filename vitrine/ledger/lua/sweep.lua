-- ARGV: lost_before, limit, ttl. Returns the state, then the numbers of chunks to send again.
local state = redis.call('HGET', JOB, 'state')
if not state then return {'unknown'} end
even_when_full()
local t = now()
local function take(key, before)
  return redis.call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, ARGV[2])
end
-- A time further in the future than possible was written before the clock was set back. Queued chunks keep their order,
-- by which the sweeper recognizes lost messages. Deferred chunks move with the clock; the time of the last sweep shows
-- by how much it was set back.
local function clamp(key, latest)
  for _, number in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. latest, '+inf', 'LIMIT', 0, ARGV[2])) do
    redis.call('ZADD', key, latest, number)
  end
end
local back = count('swept') - t
redis.call('HSET', JOB, 'swept', score(t))
if back > 0 then
  local later = redis.call('ZRANGEBYSCORE', DUE, '(' .. score(t), '+inf', 'WITHSCORES')
  for index = 1, #later, 2 do
    redis.call('ZADD', DUE, score(tonumber(later[index + 1]) - back), later[index])
  end
end
clamp(LEASED, score(t + count('term')))
clamp(QUEUED, score(t))
local expired = take(LEASED, score(t))
if state == 'cancelling' then
  for _, number in ipairs(expired) do forget_lease(number) end
  -- The caller frees the blobs of these chunks and of the waiting ones.
  return {settle(ARGV[3]), unpack(expired)}
end
if state ~= 'open' and state ~= 'running' then return {state} end
local again = {state}
local function send(number)
  redis.call('ZADD', QUEUED, score(t), number)
  again[#again + 1] = number
end
-- `suspect` stays: the next lease turns it into a strike.
for _, number in ipairs(expired) do
  redis.call('ZREM', LEASED, number)
  redis.call('HDEL', TOKENS, number)
end
local due = take(DUE, score(t))
for _, number in ipairs(due) do redis.call('ZREM', DUE, number) end
local lost = take(QUEUED, '(' .. ARGV[1])
for _, list in ipairs({expired, due, lost}) do
  for _, number in ipairs(list) do send(number) end
end
return again
