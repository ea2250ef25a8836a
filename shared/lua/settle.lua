-- settle.lua: a confirming hold was not committed in DynamoDB; its seats return, unless a retry moved its deadline.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] deadline that was seen, ms
--
-- SETTLED  the seats are free
-- CHANGED  the hold is gone, or its deadline is another one

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, deadline = ARGV[1], tonumber(ARGV[2])

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found or tonumber(redis.call('ZSCORE', deadlines, id)) ~= deadline then
  return { 'CHANGED' }
end
-- The user wanted to buy: this time does not count as held without buying.
give_back(state, cjson.decode(found))
remove_hold(deadlines, holds, id)
return { 'SETTLED' }
