-- ARGV: number, token, due ('' for immediately), ttl. Uncounts the attempt: no worker died.
if redis.call('HGET', TOKENS, ARGV[1]) ~= ARGV[2] then return 0 end
even_when_full()
forget_lease(ARGV[1])
redis.call('HINCRBY', ATTEMPTS, ARGV[1], -1)
if redis.call('HGET', JOB, 'state') == 'cancelling' then
  redis.call('DEL', BLOB)
else
  redis.call('ZADD', DUE, ARGV[3] ~= '' and ARGV[3] or score(now()), ARGV[1])
end
settle(ARGV[4])
return 1
