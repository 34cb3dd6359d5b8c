-- ARGV: id, model.
local id, model = ARGV[1], ARGV[2]
local state = get(id, 'state')
if not state or get(id, 'model') ~= model then return false end
if state == 'FAILED' or state == 'TIMED_OUT' then
  redis.call('HSET', key('ticket:', id), 'state', 'IN_QUEUE', 'attempts', 0)
  redis.call('HDEL', key('ticket:', id), 'begun', 'ended', 'error')
  redis.call('DEL', key('done:', id))
  redis.call('ZREM', key('ended'), id)
  redis.call('ZADD', key('ends'), now + tonumber(get(id, 'live')), id)
  redis.call('HINCRBY', key('counts:', model), 'retried', 1)
  enqueue(id, model, false)
end
return state
