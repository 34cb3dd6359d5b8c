-- ARGV: ttl.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
if state == 'open' then enter('running') end
return settle(ARGV[1])
