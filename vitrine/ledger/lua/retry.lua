-- ARGV: number, blob, then the ordinals. Takes failures back and queues their pictures as a new chunk.
-- Looked at here, not before: a cancel may have come since the caller looked.
local state = redis.call('HGET', JOB, 'state')
local retryable = state == 'running' or state == 'indexing' or state == 'completed'
if not retryable and state ~= 'completed_with_failures' then return state or 'unknown' end
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
