-- keep_list.lua: keeps the list of upcoming published events as it was read from DynamoDB's index, and ends the turn of
-- whoever read it. The index lags behind the truth by a moment, so what changed lately is remembered beside it, until it
-- is surely in the list.
--
-- KEYS[1] catalogue
-- KEYS[2] changes
-- KEYS[3] generation
-- KEYS[4] turn
-- ARGV[1] the list's JSON
-- ARGV[2] how long it may be used, ms
-- ARGV[3] a new generation, used if there is none
-- ARGV[4] age at which a change is surely in the list, ms
--
-- KEPT  this is the list now

local catalogue, changes, generation, turn = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local list, ttl_ms, new_generation, settled_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

redis.call('DEL', turn)
redis.call('SET', catalogue, list, 'PX', ttl_ms)
redis.call('SET', generation, new_generation, 'NX')
local settled = now_ms() - settled_ms
local kept = redis.call('HGETALL', changes)
for i = 1, #kept, 2 do
  -- One without a time can't be read, and never settles by itself.
  if tonumber(string.match(kept[i + 1], '^%d+') or 0) < settled then
    redis.call('HDEL', changes, kept[i])
  end
end
return { 'KEPT' }
