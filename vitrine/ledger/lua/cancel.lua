-- No arguments. Returns the state before; the blobs of queued chunks are freed by the caller, in batches.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
even_when_full()
redis.call('UNLINK', MARKS)
if state == 'open' or state == 'running' then enter('cancelling') end
return state
