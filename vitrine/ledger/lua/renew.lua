-- ARGV: number, seconds, token.
if redis.call('HGET', TOKENS, ARGV[1]) ~= ARGV[3] then return 0 end
if redis.call('HGET', JOB, 'state') == 'cancelling' then return 0 end
even_when_full()
note_term(ARGV[2])
redis.call('ZADD', LEASED, score(now() + tonumber(ARGV[2])), ARGV[1])
return 1
