-- ARGV: model.
local waiting = redis.call('ZRANGE', key('waiting:', ARGV[1]), 0, -1)
for _, id in ipairs(waiting) do conclude(id, ARGV[1], 'CANCELLED') end
return #waiting
