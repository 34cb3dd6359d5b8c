-- ARGV: first number, token, checked ('1' or ''), the required last mark, then blob, images, items, mark for each
-- chunk; the blobs' keys follow the job's. Returns the job's state, 'taken' if another writer used the number
-- meanwhile (read it again), or 'parted'.
local state = redis.call('HGET', JOB, 'state')
if state ~= 'open' then return state or 'unknown' end
local first = tonumber(ARGV[1])
if count('chunks') ~= first then
  -- The client repeats the call because our first reply was lost: the chunks are already written.
  return redis.call('HGET', JOB, 'writer') == ARGV[2] and state or 'taken'
end
if parted(ARGV[3], ARGV[4]) then return 'parted' end
local t = score(now())
local images, items, number = 0, 0, first
for index = 5, #ARGV, 4 do
  redis.call('SET', KEYS[15 + number - first], ARGV[index])
  redis.call('ZADD', QUEUED, t, number)
  images = images + tonumber(ARGV[index + 1])
  items = items + tonumber(ARGV[index + 2])
  if ARGV[index + 3] ~= '' then redis.call('APPEND', MARKS, ARGV[index + 3]) end
  number = number + 1
end
redis.call('HINCRBY', JOB, 'images', images)
redis.call('HINCRBY', JOB, 'items', items)
redis.call('HSET', JOB, 'chunks', number, 'writer', ARGV[2], 'updated', t, 'fed', t)
return state
