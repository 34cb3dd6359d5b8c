-- No arguments. Returns the previous state; the caller frees the blobs of queued chunks, in batches.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
even_when_full()
redis.call('UNLINK', MARKS)
if state == 'open' or state == 'running' then enter('cancelling') end
return state
