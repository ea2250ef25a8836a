-- begin.lua: a confirm begins. The hold becomes `confirming`, which only the janitor ends, after a grace period
-- longer than any request can live. Beginning again is allowed and extends the grace.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] user id
-- ARGV[3] grace, ms
--
-- BEGUN      JSON {quantity, unit_price, draws}, then event name, start in ms, currency, the most that a user may have
-- NO_HOLD    there is none: look for a booking of that id
-- NOT_YOURS  it is another user's
-- EXPIRED    its time has run out, or it is being confirmed for too long: look for a booking all the same, for Redis may
--            have forgotten the confirm
-- CANCELLED  the event was cancelled

-- Graces that a confirm may take with all its repetitions.
local CONFIRMING_GRACES_MAX = 10

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, user, grace_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local found = is_loaded(state) and redis.call('HGET', holds, id)
local facts = redis.call('HMGET', state, 'status', 'name', 'starts_at', 'currency', 'max_per_user')
local status, name, starts_at, currency, most_of_user = unpack(facts)
if not found then return { 'NO_HOLD' } end
local hold = cjson.decode(found)
if hold.user ~= user then return { 'NOT_YOURS' } end
local now = now_ms()
-- A confirm that DynamoDB refuses again and again must not hold its seats for ever.
if hold.state == 'confirming' and now - (hold.begun_at or now) > CONFIRMING_GRACES_MAX * grace_ms then
  return { 'EXPIRED' }
end
if hold.state == 'held' then
  if tonumber(redis.call('ZSCORE', deadlines, id) or 0) <= now then return { 'EXPIRED' } end
  if status == 'cancelled' then return { 'CANCELLED' } end
  hold.state, hold.begun_at = 'confirming', now
  count(state, 'confirming', hold.draws, 1)
  redis.call('HSET', holds, id, cjson.encode(hold))
end
redis.call('ZADD', deadlines, now + grace_ms, id)
return { 'BEGUN', cjson.encode(hold), name, tonumber(starts_at), currency, tonumber(most_of_user) }
