-- restock.lua: seats came back on sale in DynamoDB (a booking that was cancelled or expired, a raised capacity); Redis follows.
-- Fenced by the epoch: a state that was loaded since may have the change in it already.
--
-- KEYS[1] state
-- KEYS[2] restocked: remembers for a while that this change was taken in, so that it counts once
-- KEYS[3] deadlines
-- KEYS[4] holds
-- ARGV[1] epoch seen before the change was committed
-- ARGV[2] draws: JSON array, see lib/state.lua
-- ARGV[3] how long that is remembered, ms
-- ARGV[4] id of the user whose booking was cancelled, or expired; empty if none was
-- ARGV[5] since when its seats count as held and not bought, ms; empty if they count as bought
-- ARGV[6] for how long they count so at least, ms
-- ARGV[7] id of the booking; empty if none was cancelled
-- ARGV[8] how many of the seats were pending
--
-- RESTOCKED      the seats are free, each drawn shard's applied is 1 more; now or by an earlier call
-- EPOCH_CHANGED  the state is another one, or none: left to the janitor

local state, restocked, deadlines, holds = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, draws, remembered_ms, user = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4]
local unbought_since, unbought_least, id = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] or ''
local pending = tonumber(ARGV[8] or 0)

if epoch_of(state) ~= epoch then
  return { 'EPOCH_CHANGED' }
end
if not redis.call('SET', restocked, epoch, 'NX', 'PX', remembered_ms) then
  return { 'RESTOCKED' }
end
-- The other half of its commit may still be to come. A seat with a name must be sold here before it can come back: later it would
-- be sold for good.
local found = id ~= '' and type(draws[1][2]) == 'table' and redis.call('HGET', holds, id)
if found then
  local hold = cjson.decode(found)
  remove_hold(deadlines, holds, id)
  sell(state, hold)
  add_to_user(state, 'bought', hold.user, hold.quantity)
end
add_free(state, draws, 1, 'on_sale_again')
local shards = number_of(state, 'shards')
for _, draw in ipairs(draws) do
  add_to_user(state, 'bought', user, -seats_of(draw))
  redis.call('HINCRBY', state, 'applied:' .. draw[1], 1)
  shards = math.max(shards, draw[1] + 1)
end
redis.call('HSET', state, 'shards', shards)
if pending > 0 then count_pending(state, -pending) end
count_unbought(state, user, unbought_since, now_ms(), unbought_least)
return { 'RESTOCKED' }
