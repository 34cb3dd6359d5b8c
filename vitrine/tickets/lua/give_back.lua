-- ARGV: id, model, token.
if not ours(ARGV[1], ARGV[3]) then return 0 end
unqueue(ARGV[1], ARGV[2])
redis.call('HINCRBY', key('ticket:', ARGV[1]), 'attempts', -1)
redis.call('HSET', key('ticket:', ARGV[1]), 'state', 'IN_QUEUE')
redis.call('HDEL', key('ticket:', ARGV[1]), 'begun')
enqueue(ARGV[1], ARGV[2], true)
return 1
