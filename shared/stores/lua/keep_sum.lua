-- keep_sum.lua: keeps how many seats of all areas of an event can be had, for show.lua.
--
-- KEYS[1] copy
-- ARGV[1] seats
-- ARGV[2] the same by area, as it will be shown
--
-- KEPT  it stands in the copy
-- GONE  there is no copy that it could stand in

local copy = KEYS[1]
local seats, by_area = ARGV[1], ARGV[2]

if redis.call('HEXISTS', copy, 'areas') == 0 then return { 'GONE' } end
redis.call('HSET', copy, 'sum', seats, 'by_area', by_area, 'summed_at', string.format('%d', now_ms()))
return { 'KEPT' }
