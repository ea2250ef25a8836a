-- claim.lua: ties a user's idempotency key to what it is used for.
--
-- KEYS[1] claim
-- ARGV[1] what the key is used for now
-- ARGV[2] TTL, ms
--
-- CLAIMED   the key is tied to this, now or since before
-- USED_FOR  the key is tied to something else

local claim = KEYS[1]
local use, ttl_ms = ARGV[1], ARGV[2]

local before = redis.call('GET', claim)
if not before then
  redis.call('SET', claim, use, 'PX', ttl_ms)
elseif before ~= use then
  return { 'USED_FOR' }
end
return { 'CLAIMED' }
