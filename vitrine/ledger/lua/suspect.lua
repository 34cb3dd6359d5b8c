-- ARGV: number, token, ordinal (empty: the current picture came through and is no longer suspected).
if redis.call('HGET', TOKENS, ARGV[1]) ~= ARGV[2] then return 0 end
even_when_full()
if ARGV[3] ~= '' then
  redis.call('HSET', SUSPECT, ARGV[1], ARGV[3])
  return 1
end
local ordinal = redis.call('HGET', SUSPECT, ARGV[1])
if ordinal then
  redis.call('HDEL', SUSPECT, ARGV[1])
  redis.call('HDEL', STRIKES, ordinal)
end
return 1
