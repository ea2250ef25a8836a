-- restock.lua: seats came back on sale in DynamoDB (a cancelled booking, a raised capacity); Redis follows.
-- Fenced by the epoch: a state that was loaded since may have the change in it already.
--
-- KEYS[1] state
-- ARGV[1] epoch seen before the change was committed
-- ARGV[2] draws: JSON array of [shard, seats]
-- ARGV[3] number of shards after the change
--
-- RESTOCKED      the seats are free, each drawn shard's applied is 1 more
-- EPOCH_CHANGED  the state is another one, or none: left to the janitor

local state = KEYS[1]
local epoch, draws, shards = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])

if redis.call('HGET', state, 'epoch') ~= epoch then
  return { 'EPOCH_CHANGED' }
end
local seats = 0
for _, draw in ipairs(draws) do
  redis.call('HINCRBY', state, 'free:' .. draw[1], draw[2])
  redis.call('HINCRBY', state, 'applied:' .. draw[1], 1)
  seats = seats + draw[2]
end
redis.call('HINCRBY', state, 'free', seats)
if shards > number_of(state, 'shards') then
  redis.call('HSET', state, 'shards', shards)
end
return { 'RESTOCKED' }
