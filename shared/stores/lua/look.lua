-- look.lua: shows a hold to its owner. Changes nothing.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] reservation id
-- ARGV[2] user id
--
-- HOLD       JSON {area, area_name, quantity, seats, unit_price, lines, currency, expires_at}, now in ms; no area if the event names none
-- NO_HOLD    there is none, or none that can be read
-- ENDED      it has ended: `released` or `expired`
-- NOT_YOURS  it is another user's

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user = ARGV[1], ARGV[2]

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found then
  local how = how_ended(ended, id, user)
  if how then return { 'ENDED', how } end
  return { 'NO_HOLD' }
end
local hold = read_json(found)
if not (hold and hold.user) then return { 'NO_HOLD' } end
if hold.user ~= user then return { 'NOT_YOURS' } end
local now, deadline = now_ms(), tonumber(redis.call('ZSCORE', deadlines, id) or 0)
if hold.state == 'held' and deadline <= now then return { 'ENDED', 'expired' } end
local currency, area, area_name = unpack(redis.call('HMGET', state, 'currency', 'area', 'area_name'))
return { 'HOLD', cjson.encode({
  area = area or nil, area_name = area_name or nil, quantity = hold.quantity, seats = hold.seats, unit_price = hold.unit_price, lines = hold.lines,
  currency = currency, expires_at = deadline,
}), now }
