-- ARGV: number, blob, then the ordinals. Undoes failures and queues their pictures as a new chunk,
-- or returns 'changed' if not all of them are failures any more: read them again.
-- The state is checked here because a cancel may have happened since the caller checked.
local state = redis.call('HGET', JOB, 'state')
local retryable = state == 'running' or state == 'indexing' or state == 'completed'
if not retryable and state ~= 'completed_with_failures' then return state or 'unknown' end
-- The client repeats the call because our first reply was lost: the pictures are already in this chunk.
if redis.call('EXISTS', BLOB) == 1 then return state end
-- Another retry or a late outcome came first: queueing these anyway would process them twice.
for index = 3, #ARGV do
  if redis.call('GETBIT', FAILED, ARGV[index]) == 0 then return 'changed' end
end
for index = 1, 14 do redis.call('PERSIST', KEYS[index]) end
for index = 3, #ARGV do
  unfail(ARGV[index])
  redis.call('HDEL', STRIKES, ARGV[index])
end
redis.call('SET', BLOB, ARGV[2])
redis.call('ZADD', QUEUED, score(now()), ARGV[1])
redis.call('HDEL', JOB, 'finished')
enter('running')
return 'running'
