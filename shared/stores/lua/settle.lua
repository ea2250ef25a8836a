-- settle.lua: a confirming hold was not committed in DynamoDB; its seats return, unless a retry moved its deadline.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] reservation id
-- ARGV[2] deadline that was seen, ms
--
-- SETTLED  the seats are free
-- CHANGED  the hold is gone, or its deadline is another one

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, deadline = ARGV[1], tonumber(ARGV[2])

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found or tonumber(redis.call('ZSCORE', deadlines, id)) ~= deadline then
  return { 'CHANGED' }
end
-- The user wanted to buy: this time does not count as held without buying.
local hold = cjson.decode(found)
give_back(state, hold)
remove_hold(deadlines, holds, id)
note_end(ended, id, hold.user, 'expired', now_ms())
return { 'SETTLED' }
