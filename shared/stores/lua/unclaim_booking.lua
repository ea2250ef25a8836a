-- unclaim_booking.lua: a booking that an idempotency key was claimed for was refused; nothing of it stays.
--
-- KEYS[1] claim
-- KEYS[2] own: the user's reservations
-- ARGV[1] what the key was claimed for: the event's id
-- ARGV[2] reservation id
--
-- UNCLAIMED  the key may be used for something else

local claim, own = KEYS[1], KEYS[2]
local used_for, id = ARGV[1], ARGV[2]

if redis.call('GET', claim) == used_for then redis.call('DEL', claim) end
redis.call('ZREM', own, id)
return { 'UNCLAIMED' }
