-- keep.lua: keeps a copy of an event, unless a newer version of it is known; and ends the turn of whoever read it.
--
-- KEYS[1] state
-- KEYS[2] copy
-- KEYS[3] turn
-- ARGV[1] the event's JSON
-- ARGV[2] its version
-- ARGV[3] unsold seats, for an event that gets no state; empty otherwise
-- ARGV[4] how long the copy may be used, ms
-- ARGV[5] how many areas it has
-- ARGV[6] the unsold seats by area, as they will be shown, where it has several
--
-- KEPT   this is the copy now
-- OLDER  a newer version is known; nothing is changed

local state, copy, turn = KEYS[1], KEYS[2], KEYS[3]
local event, version, unsold, ttl_ms, areas = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5] or 1)

redis.call('DEL', turn)
if version < math.max(number_of(copy, 'version') or 0, number_of(state, 'version') or 0) then
  return { 'OLDER' }
end
local sum, by_area, summed_at = false, false, false
if areas > 1 then sum, by_area, summed_at = unpack(redis.call('HMGET', copy, 'sum', 'by_area', 'summed_at')) end
redis.call('DEL', copy)
redis.call('HSET', copy, 'event', event, 'version', version)
if areas > 1 then redis.call('HSET', copy, 'areas', areas) end
if sum and by_area and summed_at then redis.call('HSET', copy, 'sum', sum, 'by_area', by_area, 'summed_at', summed_at) end
if unsold ~= '' then
  redis.call('HSET', copy, 'unsold', unsold)
  if areas > 1 then redis.call('HSET', copy, 'by_area', ARGV[6]) end
end
redis.call('PEXPIRE', copy, ttl_ms)
return { 'KEPT' }
