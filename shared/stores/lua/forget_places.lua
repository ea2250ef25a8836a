-- forget_places.lua: places of one event that one network had count no longer.
--
-- KEYS[1] places
-- KEYS[2] sum: seats of all of them
-- ARGV[1] reservation id
-- ARGV[2] seats
--
-- FORGOTTEN  now, or before

local places, sum = KEYS[1], KEYS[2]
local id, seats = ARGV[1], ARGV[2]

if redis.call('ZREM', places, seats .. ' ' .. id) == 1 then redis.call('DECRBY', sum, seats) end
return { 'FORGOTTEN' }
