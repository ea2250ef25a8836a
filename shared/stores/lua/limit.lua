-- limit.lua: counts a request of a client, if it may have one more. A sliding window: a client never gets more than the
-- limit within any window, and each request that it had becomes free again one window later. What is refused does not
-- count. A wider network that the client is part of may have a limit of its own: then both must allow it.
--
-- KEYS[1] limit: list of the times of the client's last requests, ms, oldest first
-- KEYS[2] wide: the same of the wider network; absent if there is none
-- ARGV[1] requests allowed in a window
-- ARGV[2] the window, ms
-- ARGV[3] requests allowed to the wider network
--
-- ALLOWED  requests left; time until the oldest is free again, ms
-- LIMITED  time until the oldest is free again, ms

local limit, wide = KEYS[1], KEYS[2]
local allowed, window_ms, wide_allowed = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

-- How many more it may have, and when the oldest is free again.
local function look(counter, most)
  local oldest = tonumber(redis.call('LINDEX', counter, 0))
  while oldest and oldest <= now - window_ms do
    redis.call('LPOP', counter)
    oldest = tonumber(redis.call('LINDEX', counter, 0))
  end
  return most - redis.call('LLEN', counter), (oldest or now) + window_ms - now
end

local function add(counter)
  redis.call('RPUSH', counter, now)
  redis.call('PEXPIRE', counter, window_ms)
end

local left, free_in = look(limit, allowed)
if wide then
  local wide_left, wide_free_in = look(wide, wide_allowed)
  local is_tighter = wide_left < left and left > 0 or wide_left <= 0 and wide_free_in > free_in
  if is_tighter then left, free_in = wide_left, wide_free_in end
end
if left <= 0 then return { 'LIMITED', free_in } end
add(limit)
if wide then add(wide) end
return { 'ALLOWED', left - 1, free_in }
