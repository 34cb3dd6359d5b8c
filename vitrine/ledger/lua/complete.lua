-- ARGV: ttl. Finishes a job that waits for its collection's index; any other is left unchanged.
local state = redis.call('HGET', JOB, 'state')
even_when_full()
if state == 'indexing' then return complete(ARGV[1]) end
return state or 'unknown'
