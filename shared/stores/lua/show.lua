-- show.lua: an event as people see it, with the seats that can be had right now. If there is no copy of it, or an old
-- one, tells one caller to read DynamoDB, and the others to wait for what it finds.
--
-- A copy can't be used if Redis has a newer version of the event's facts, or if nothing says how many seats can be had:
-- there is no state, and the copy does not know either (it does once nothing is sold any more).
--
-- The seats of several areas are in slots of their own, so their sum stands in the copy (keep_sum.lua), and is a second old at
-- most: one caller is told to count anew some time before that.
--
-- KEYS[1] state
-- KEYS[2] copy
-- KEYS[3] turn
-- ARGV[1] time before its end at which a copy is read anew, ms
-- ARGV[2] how long a turn lasts at most, ms
--
-- SHOWN    the event's JSON, seats, 1 if the caller is to count the seats of its areas, and what is known of those: what
--          keep_sum.lua was told, nil of an event of one area
-- AGEING   the same, and 1 if there is a state; it is the caller's turn to read the event
-- READ     it is the caller's turn to read the event; 1 if there is a state
-- WAIT     somebody else reads it
-- MISSING  there was no such event a moment ago

local state, copy, turn = KEYS[1], KEYS[2], KEYS[3]
local ageing_ms, turn_ms = tonumber(ARGV[1]), ARGV[2]
-- How old a sum may be; after what time somebody sums up anew, and how long the others wait for that.
local SUM_MS, SUM_ANEW_MS, SUM_TURN_MS = 1000, 500, 250

local event, version, unsold, missing, areas = unpack(
  redis.call('HMGET', copy, 'event', 'version', 'unsold', 'missing', 'areas'))
local epoch, free, current = unpack(redis.call('HMGET', state, 'epoch', 'free', 'version'))
-- What is no number, as another release or a stranger may have left it, says nothing.
local seats, known = tonumber(epoch and free or unsold), tonumber(version)
local sum_up, by_area = 0, false
if areas then
  local sum, summed_at, begun_at
  sum, by_area, summed_at, begun_at = unpack(redis.call('HMGET', copy, 'sum', 'by_area', 'summed_at', 'summing_at'))
  if epoch then
    -- The clock of lib/state.lua, whose functions all other looks would make for nothing.
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local age, begun = now - (tonumber(summed_at) or 0), now - (tonumber(begun_at) or 0)
    seats = tonumber(sum) or 0
    if age > SUM_MS or age > SUM_ANEW_MS and begun > SUM_TURN_MS then
      redis.call('HSET', copy, 'summing_at', string.format('%d', now))
      sum_up = 1
    end
  end
end
local usable = event and seats and known and (tonumber(current) or 0) <= known

if usable and redis.call('PTTL', copy) > ageing_ms then
  return { 'SHOWN', event, seats, sum_up, by_area }
end
if missing and not epoch then return { 'MISSING' } end
local is_our_turn = redis.call('SET', turn, 'taken', 'NX', 'PX', turn_ms)
if usable then
  if is_our_turn then return { 'AGEING', event, seats, sum_up, by_area, epoch and 1 or 0 } end
  return { 'SHOWN', event, seats, sum_up, by_area }
end
if is_our_turn then return { 'READ', epoch and 1 or 0 } end
return { 'WAIT' }
