-- ARGV: ttl, checked ('1' or ''), the required last mark. Returns the state, or 'parted'.
local state = redis.call('HGET', JOB, 'state')
if not state then return 'unknown' end
even_when_full()
if state == 'open' then
  if parted(ARGV[2], ARGV[3]) then return 'parted' end
  redis.call('UNLINK', MARKS)
  enter('running')
end
return settle(ARGV[1])
