-- ARGV: indexed, points, gap. Returns the seconds for which a waiting job's index was seen without progress, as text.
-- The time between two checks counts for at most `gap` seconds: a store or workers that were down are not a standstill.
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
