-- ARGV: id, model, token, ms.
if not ours(ARGV[1], ARGV[3]) then return 0 end
redis.call('ZADD', key('running:', ARGV[2]), now + tonumber(ARGV[4]), ARGV[1])
return 1
