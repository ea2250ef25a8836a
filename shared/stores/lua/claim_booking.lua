-- claim_booking.lua: ties an idempotency key to the event that it books, and notes the reservation that is being made among its
-- user's own. Whether the seats are held is found out at the same time, in the event's slot: what is noted may come to
-- nothing.
--
-- KEYS[1] claim
-- KEYS[2] own: the user's reservations
-- ARGV[1] what the key is used for: the event's id
-- ARGV[2] TTL of the claim, ms
-- ARGV[3] reservation id
-- ARGV[4] now, ms
-- ARGV[5] how long the reservation may live, ms
--
-- CLAIMED  the key is used for this
-- REUSED   it is used for something else

local claim, own = KEYS[1], KEYS[2]
local used_for, claim_ms, id, now, life_ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if not redis.call('SET', claim, used_for, 'NX', 'PX', claim_ms) then
  if redis.call('GET', claim) ~= used_for then return { 'REUSED' } end
  return { 'CLAIMED' }
end
redis.call('ZREMRANGEBYSCORE', own, '-inf', now)
redis.call('ZADD', own, now + life_ms, id)
redis.call('PEXPIRE', own, life_ms)
return { 'CLAIMED' }
