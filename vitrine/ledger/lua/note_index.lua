-- ARGV: indexed, points, gap. Returns the seconds that a waiting job's index was seen to stand still, as text.
-- A gap between two looks counts for `gap` seconds at most: a store or workers that were away are no standstill.
if redis.call('HGET', JOB, 'state') ~= 'indexing' then return '0' end
even_when_full()
local t = now()
local still = 0
if redis.call('HGET', JOB, 'index:indexed') == ARGV[1] then
  still = count('index:still') + math.max(0, math.min(t - count('index:seen'), tonumber(ARGV[3])))
end
redis.call('HSET', JOB, 'index:indexed', ARGV[1], 'index:points', ARGV[2])
redis.call('HSET', JOB, 'index:seen', score(t), 'index:still', score(still))
return score(still)
