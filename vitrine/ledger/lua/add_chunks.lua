-- ARGV: first number, token, then triples of blob, images, items; the blobs' keys follow the job's.
-- Returns the job's state, or 'taken' where another writer has had the number meanwhile: ask for it again.
local state = redis.call('HGET', JOB, 'state')
if state ~= 'open' then return state or 'unknown' end
local first = tonumber(ARGV[1])
if count('chunks') ~= first then
  -- The client asks again because our first answer was lost on the way: they are in already.
  return redis.call('HGET', JOB, 'writer') == ARGV[2] and state or 'taken'
end
local t = score(now())
local images, items, number = 0, 0, first
for index = 3, #ARGV, 3 do
  redis.call('SET', KEYS[14 + number - first], ARGV[index])
  redis.call('ZADD', QUEUED, t, number)
  images = images + tonumber(ARGV[index + 1])
  items = items + tonumber(ARGV[index + 2])
  number = number + 1
end
redis.call('HINCRBY', JOB, 'images', images)
redis.call('HINCRBY', JOB, 'items', items)
redis.call('HSET', JOB, 'chunks', number, 'writer', ARGV[2], 'updated', t, 'fed', t)
return state
