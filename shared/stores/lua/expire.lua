-- expire.lua: the janitor's first step for an event: overdue `held` holds return their seats. Bounded; call again
-- while there are more.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
--
-- SWEPT       holds expired, 1 if more may be overdue, the event's version (0 if an older release made the state, which lacks
--             facts), and JSON array of the overdue `confirming` holds: {id, deadline, user}; the user is empty for a
--             withdrawal
-- NOT_LOADED  there is no state
-- DROPPED     some of the event's keys were lost and others not, or an overdue hold can't be read: all are gone now, to be
--             loaded anew

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

if not is_loaded(state) then return { 'NOT_LOADED' } end
local version, count = number_of(state, 'version') or 0, redis.call('HLEN', holds)
local is_whole = number_of(state, 'free') and count == redis.call('ZCARD', deadlines)
if not is_whole or (count == 0) ~= (number_of(state, 'held') == 0) then
  redis.call('UNLINK', state, deadlines, holds)
  return { 'DROPPED' }
end
if redis.call('HEXISTS', state, 'cancel_until') == 0 then version = 0 end
local expired, confirming, unreadable = expire_overdue(state, deadlines, holds, ended, now_ms(), math.huge)
if unreadable > 0 then
  redis.call('UNLINK', state, deadlines, holds)
  return { 'DROPPED' }
end
local more = (expired + #confirming >= EXPIRE_MAX) and 1 or 0
-- cjson writes an empty table as an object.
local overdue = #confirming > 0 and cjson.encode(confirming) or '[]'
return { 'SWEPT', expired, more, version, overdue }
