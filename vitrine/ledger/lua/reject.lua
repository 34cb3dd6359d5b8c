-- ARGV: rejected rows so far, how many more, how many to keep, then the rows to keep. Returns the state, or 'parted'.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
local before, more = tonumber(ARGV[1]), tonumber(ARGV[2])
local rejected = count('rejected')
-- The client repeats the call because our first reply was lost: the rows are already counted.
if rejected == before + more then return state end
if rejected ~= before then return 'parted' end
redis.call('HINCRBY', JOB, 'rejected', more)
for index = 4, #ARGV do redis.call('RPUSH', PROBLEMS, ARGV[index]) end
redis.call('LTRIM', PROBLEMS, 0, ARGV[3] - 1)
return state
