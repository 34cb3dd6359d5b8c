-- ARGV: id, model.
local state = get(ARGV[1], 'state')
if not state or get(ARGV[1], 'model') ~= ARGV[2] then return false end
if state ~= 'IN_QUEUE' and state ~= 'IN_PROGRESS' then return state end
conclude(ARGV[1], ARGV[2], 'CANCELLED')
return 'CANCELLED'
