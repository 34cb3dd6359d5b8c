-- ARGV: ttl. Finishes the job if nothing is left to do.
if redis.call('EXISTS', JOB) == 0 then return 'unknown' end
even_when_full()
return settle(ARGV[1])
