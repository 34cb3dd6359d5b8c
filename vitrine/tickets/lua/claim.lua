-- ARGV: ms, then the models, in the order in which they are tried.
sweep()
for index = 2, #ARGV do
  local model = ARGV[index]
  local id = redis.call('ZRANGEBYSCORE', key('running:', model), '-inf', now, 'LIMIT', 0, 1)[1]
    or redis.call('ZRANGE', key('waiting:', model), 0, 0)[1]
  if id then
    local token = redis.call('INCR', key('seq'))
    redis.call('ZREM', key('waiting:', model), id)
    redis.call('ZADD', key('running:', model), now + tonumber(ARGV[1]), id)
    redis.call('HSET', key('ticket:', id), 'state', 'IN_PROGRESS', 'token', token, 'begun', now)
    local attempts = redis.call('HINCRBY', key('ticket:', id), 'attempts', 1)
    return {id, model, token, get(id, 'input'), get(id, 'run'), attempts}
  end
end
return false
