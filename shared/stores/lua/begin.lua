-- begin.lua: a confirm begins. The hold becomes `confirming`, which only the janitor ends, after a grace period
-- longer than any request can live. Beginning again is allowed and extends the grace.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] user id
-- ARGV[3] grace, ms
-- ARGV[4] how long it may be confirmed with all repetitions, ms: one that DynamoDB refuses again and again must not hold its
--         seats for ever
--
-- BEGUN      JSON {quantity, seats, unit_price, lines, draws, most, begins, first}, then event name, start in ms, currency, the most
--            that a user may have now, venue (nil if an older release loaded the event; empty if it has none), status,
--            when cancelling ends in ms (nil and empty likewise), id and name of the area (nil if the event names none)
-- NO_HOLD    there is none: look for a booking of that id
-- NOT_YOURS  it is another user's
-- UNREADABLE  another release made it, and this one can't read it
-- EXPIRED    its time has run out, or it is being confirmed for too long: look for a booking all the same, for Redis may
--            have forgotten the confirm
-- CANCELLED  the event was cancelled
-- DRAFT      the event is no longer published

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, user, grace_ms, confirming_max_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local found = is_loaded(state) and redis.call('HGET', holds, id)
local facts = redis.call('HMGET', state, 'status', 'name', 'starts_at', 'currency', 'max_per_user', 'venue',
  'cancel_until', 'area', 'area_name')
local status, name, starts_at, currency, most_of_user, venue, cancel_until, area, area_name = unpack(facts)
if not found then return { 'NO_HOLD' } end
local hold = read_json(found)
if not hold then return { 'UNREADABLE' } end
if hold.user ~= user then return { 'NOT_YOURS' } end
local now = now_ms()
if hold.state == 'confirming' and now - (hold.begun_at or now) > confirming_max_ms then
  return { 'EXPIRED' }
end
if hold.state == 'held' then
  local deadline = tonumber(redis.call('ZSCORE', deadlines, id) or 0)
  if deadline <= now then return { 'EXPIRED' } end
  if status == 'cancelled' then return { 'CANCELLED' } end
  if status == 'draft' then return { 'DRAFT' } end
  hold.state, hold.begun_at, hold.held_until, hold.first = 'confirming', now, deadline, (hold.begins or 0) + 1
  count(state, 'confirming', hold.draws, 1)
end
hold.begins = (hold.begins or 0) + 1
local kept = cjson.encode(hold)
redis.call('HSET', holds, id, kept)
redis.call('ZADD', deadlines, now + grace_ms, id)
return { 'BEGUN', kept, name, tonumber(starts_at), currency, tonumber(most_of_user), venue, status, cancel_until, area,
  area_name }
