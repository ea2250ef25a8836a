-- load.lua: makes an event's state from what was just read from DynamoDB, if it is missing.
-- Holds left over from a lost state are dropped: nobody knows any more what was drawn for them.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] epoch: new and random, it tells whether the state is still the one that somebody looked at before
-- ARGV[2] facts: JSON object of strings, see lib/state.lua
-- ARGV[3] inventory: JSON array of [free, version], one a shard in their order; of a row also its seats, as lib/rows.lua has them
-- ARGV[4] rows: JSON array of [name, labels, accessible], as lib/rows.lua has them, in their order; empty in a general area
-- ARGV[5] how many of the seats are pending
--
-- LOADED          the state is made
-- ALREADY_LOADED  somebody else was first; nothing is changed

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local epoch, facts, inventory = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local pending = tonumber(ARGV[5] or 0)
local layout = ARGV[4] and ARGV[4] ~= '' and cjson.decode(ARGV[4]) or {}

if is_loaded(state) then
  return { 'ALREADY_LOADED' }
end
redis.call('UNLINK', state, deadlines, holds)

local fields = { 'epoch', epoch, 'held', 0 }
local function set(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
for field, value in pairs(facts) do
  set(field, value)
end
if pending > 0 then set('pending', pending) end
if #layout > 0 then
  set('free', 0)
  -- No version comes twice, though the state is lost again and again: it changes less often than once a microsecond.
  set('seats_version', string.format('%.0f', now_ms() * 1000))
  redis.call('HSET', state, unpack(fields))
  rows().add_rows(state, 0, inventory, layout)
  return { 'LOADED' }
end
local free = 0
for i, shard in ipairs(inventory) do
  set('free:' .. i - 1, shard[1])
  set('applied:' .. i - 1, shard[2])
  free = free + shard[1]
end
set('free', free)
redis.call('HSET', state, unpack(fields))
return { 'LOADED' }
