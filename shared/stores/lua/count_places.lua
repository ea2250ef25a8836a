-- count_places.lua: counts places of one event that one network holds, or bought lately, these among them. Counted by when
-- they count no longer, so that nothing has to come back for that: it may be too many for as long as a hold lives.
--
-- KEYS[1] places
-- KEYS[2] sum: seats of all of them
-- ARGV[1] reservation id
-- ARGV[2] seats
-- ARGV[3] how long they count from now on, ms
--
-- COUNTED  seats in all; when the first of them count no longer, ms

local places, sum = KEYS[1], KEYS[2]
local id, seats, life_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])

local now = now_ms()
for _, over in ipairs(redis.call('ZRANGEBYSCORE', places, '-inf', now)) do
  redis.call('ZREM', places, over)
  redis.call('DECRBY', sum, string.match(over, '^%d+'))
end
-- A booking counts for longer than the hold that it was.
if redis.call('ZADD', places, 'GT', now + life_ms, seats .. ' ' .. id) == 1 then
  redis.call('INCRBY', sum, seats)
end
local first = tonumber(redis.call('ZRANGE', places, 0, 0, 'WITHSCORES')[2])
local last = tonumber(redis.call('ZRANGE', places, -1, -1, 'WITHSCORES')[2])
redis.call('PEXPIREAT', places, last)
redis.call('PEXPIREAT', sum, last)
return { 'COUNTED', tonumber(redis.call('GET', sum) or seats), first }
