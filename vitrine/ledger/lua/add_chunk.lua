-- ARGV: number, blob, images, items. Writing the same chunk again changes nothing.
local state = redis.call('HGET', JOB, 'state')
if state ~= 'open' then return state or 'unknown' end
if redis.call('HSETNX', JOB, 'chunk:' .. ARGV[1], 1) == 1 then
  redis.call('HDEL', JOB, 'chunk:' .. (tonumber(ARGV[1]) - 1))
  redis.call('SET', BLOB, ARGV[2])
  redis.call('ZADD', QUEUED, score(now()), ARGV[1])
  redis.call('HINCRBY', JOB, 'images', ARGV[3])
  redis.call('HINCRBY', JOB, 'items', ARGV[4])
  redis.call('HSET', JOB, 'chunks', tonumber(ARGV[1]) + 1, 'updated', score(now()), 'fed', score(now()))
end
return state
