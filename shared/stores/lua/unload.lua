-- unload.lua: an event's sales are over; its keys go once no hold is left.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
--
-- UNLOADED    the keys are gone
-- HOLDS_LEFT  there are holds; nothing is changed

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]

is_loaded(state)
if redis.call('ZCARD', deadlines) > 0 then return { 'HOLDS_LEFT' } end
redis.call('UNLINK', state, deadlines, holds)
return { 'UNLOADED' }
