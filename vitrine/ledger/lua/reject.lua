-- ARGV: rejected rows so far, how many more, how many to keep, the row that says where the file broke off ('' for none), the
-- number of codes, each code with its count, then the rows to keep. Returns the state, or 'parted'.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
local before, more = tonumber(ARGV[1]), tonumber(ARGV[2])
local rejected = count('rejected')
-- The client repeats the call because our first reply was lost: the rows are already counted.
if rejected == before + more then return state end
if rejected ~= before then return 'parted' end
redis.call('HINCRBY', JOB, 'rejected', more)
local rows = 6 + 2 * ARGV[5]
for index = 6, rows - 1, 2 do redis.call('HINCRBY', JOB, 'rejected:' .. ARGV[index], ARGV[index + 1]) end
-- Not among the rows to keep, of which only the first are: this one is always told.
if ARGV[4] ~= '' then redis.call('HSET', JOB, 'broken_off', ARGV[4]) end
for index = rows, #ARGV do redis.call('RPUSH', PROBLEMS, ARGV[index]) end
redis.call('LTRIM', PROBLEMS, 0, ARGV[3] - 1)
return state
