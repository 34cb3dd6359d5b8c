-- ARGV: id, model, input, ms to run, ms to live, ms to keep, low (1 or 0), limit in bytes, overhead in bytes.
sweep()
local id, model, input = ARGV[1], ARGV[2], ARGV[3]
local size = #input + tonumber(ARGV[9])
if not make_room(size, tonumber(ARGV[8])) then return 0 end
redis.call('HSET', key('ticket:', id), 'model', model, 'state', 'IN_QUEUE', 'input', input, 'run', ARGV[4],
  'live', ARGV[5], 'keep', ARGV[6], 'low', ARGV[7], 'opened', now, 'attempts', 0)
redis.call('ZADD', key('ends'), now + tonumber(ARGV[5]), id)
resize(id, size)
enqueue(id, model, false)
return 1
