-- ARGV: id, model, token, state, result, limit in bytes, overhead in bytes.
-- A result that comes after another claim or a cancel changes nothing.
local id, model, state = ARGV[1], ARGV[2], ARGV[4]
if not ours(id, ARGV[3]) then return 0 end
local done = state == 'COMPLETED'
if done then redis.call('HDEL', key('ticket:', id), 'input') end
local size = #ARGV[5] + tonumber(ARGV[7]) + #(get(id, 'input') or '')
-- A new result is always kept; older results are dropped first.
resize(id, 0)
make_room(size, tonumber(ARGV[6]))
resize(id, size)
redis.call('HSET', key('ticket:', id), done and 'output' or 'error', ARGV[5])
redis.call('HINCRBY', key('counts:', model), done and 'completed' or 'failed', 1)
conclude(id, model, state)
return 1
