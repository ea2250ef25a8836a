-- release.lua: a user gives a hold back; its seats are free at once.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] reservation id
-- ARGV[2] user id
--
-- RELEASED    the seats are free: how many they are
-- NO_HOLD     there is none
-- ENDED       it has ended: `released` or `expired`
-- NOT_YOURS   it is another user's
-- CONFIRMING  its confirm has begun: it may be sold already

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user = ARGV[1], ARGV[2]

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found then
  local how = how_ended(ended, id, user)
  if how then return { 'ENDED', how } end
  return { 'NO_HOLD' }
end
local hold = cjson.decode(found)
if hold.user ~= user then return { 'NOT_YOURS' } end
if hold.state ~= 'held' then return { 'CONFIRMING' } end
-- What has run out is expired, not released: a reservation ends in one way only.
local now = now_ms()
if tonumber(redis.call('ZSCORE', deadlines, id) or 0) <= now then return { 'ENDED', 'expired' } end
give_back(state, hold)
count_unbought(state, hold.user, hold.from, now, 0)
remove_hold(deadlines, holds, id)
note_end(ended, id, user, 'released', now)
return { 'RELEASED', hold.quantity }
