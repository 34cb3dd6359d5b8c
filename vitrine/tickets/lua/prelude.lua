-- Shared head of every script. KEYS[1] is the prefix of all keys; its hash tag keeps them in one cluster slot.
--   ticket:ID hash · waiting:MODEL zset of ids by queue position · running:MODEL zset of ids by the end of their claim
--   ends zset of all ids by deletion time · ended zset of the finished ones by deletion time
--   sizes hash of bytes by id · bytes their sum · counts:MODEL hash · seq a counter · wake list · done:ID list
local P = KEYS[1]
local function key(...) return P .. table.concat({...}) end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function get(id, field) return redis.call('HGET', key('ticket:', id), field) end
local function total() return tonumber(redis.call('GET', key('bytes')) or '0') end

local function resize(id, size)
  local before = tonumber(redis.call('HGET', key('sizes'), id) or '0')
  redis.call('INCRBY', key('bytes'), size - before)
  if size == 0 then redis.call('HDEL', key('sizes'), id) else redis.call('HSET', key('sizes'), id, size) end
end

local function unqueue(id, model)
  redis.call('ZREM', key('waiting:', model), id)
  redis.call('ZREM', key('running:', model), id)
end

local function forget(id)
  local model = get(id, 'model')
  if model then unqueue(id, model) end
  redis.call('ZREM', key('ends'), id)
  redis.call('ZREM', key('ended'), id)
  redis.call('DEL', key('ticket:', id), key('done:', id))
  resize(id, 0)
end

local function sweep()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('ends'), '-inf', now, 'LIMIT', 0, 100)) do forget(id) end
end

-- Make space for `size` more bytes by deleting the finished tickets that would expire first.
local function make_room(size, limit)
  while total() + size > limit do
    local oldest = redis.call('ZRANGE', key('ended'), 0, 0)[1]
    if not oldest then return false end
    forget(oldest)
  end
  return true
end

local function enqueue(id, model, first)
  local turn = redis.call('INCR', key('seq'))
  if first then turn = -turn elseif get(id, 'low') == '1' then turn = turn + 1e13 end
  redis.call('ZADD', key('waiting:', model), turn, id)
  redis.call('LPUSH', key('wake'), 1)
  redis.call('LTRIM', key('wake'), 0, 63)
end

-- Finish the ticket: keep it for a while, and notify whoever waits for it.
local function conclude(id, model, state)
  unqueue(id, model)
  redis.call('HSET', key('ticket:', id), 'state', state, 'ended', now)
  local forgotten = now + tonumber(get(id, 'keep'))
  redis.call('ZADD', key('ends'), forgotten, id)
  redis.call('ZADD', key('ended'), forgotten, id)
  redis.call('RPUSH', key('done:', id), 1)
  redis.call('PEXPIRE', key('done:', id), 60000)
end

local function ours(id, token)
  return get(id, 'state') == 'IN_PROGRESS' and get(id, 'token') == token
end
