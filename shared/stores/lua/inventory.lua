-- inventory.lua: what Redis thinks of an event's inventory, all read at once. Changes nothing.
--
-- KEYS[1] state
--
-- SEEN        the epoch; JSON array of [free, held, confirming, applied], one a shard in their order
-- NOT_LOADED  there is no state

local state = KEYS[1]

local epoch = redis.call('HGET', state, 'epoch')
if not epoch then return { 'NOT_LOADED' } end
local shards = {}
for shard = 0, number_of(state, 'shards') - 1 do
  local fields = { 'free:' .. shard, 'held:' .. shard, 'confirming:' .. shard, 'applied:' .. shard }
  local values = redis.call('HMGET', state, unpack(fields))
  for i = 1, #fields do values[i] = tonumber(values[i] or 0) end
  shards[#shards + 1] = values
end
return { 'SEEN', epoch, #shards > 0 and cjson.encode(shards) or '[]' }
