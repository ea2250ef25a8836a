-- limit.lua: counts a request of a client, if it may have one more. A sliding window: a client never gets more than the
-- limit within any window, and each request that it had becomes free again one window later. What is refused does not
-- count.
--
-- KEYS[1] limit: list of the times of the client's last requests, ms, oldest first
-- ARGV[1] requests allowed in a window
-- ARGV[2] the window, ms
--
-- ALLOWED  requests left; time until the oldest is free again, ms
-- LIMITED  time until the oldest is free again, ms

local limit = KEYS[1]
local allowed, window_ms = tonumber(ARGV[1]), tonumber(ARGV[2])

local now = now_ms()
local oldest = tonumber(redis.call('LINDEX', limit, 0))
while oldest and oldest <= now - window_ms do
  redis.call('LPOP', limit)
  oldest = tonumber(redis.call('LINDEX', limit, 0))
end
local had = redis.call('LLEN', limit)
local free_in = (oldest or now) + window_ms - now
if had >= allowed then
  return { 'LIMITED', free_in }
end
redis.call('RPUSH', limit, now)
redis.call('PEXPIRE', limit, window_ms)
return { 'ALLOWED', allowed - had - 1, free_in }
