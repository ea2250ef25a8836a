-- show.lua: an event as people see it, with the seats that can be had right now. If there is no copy of it, or an old
-- one, tells one caller to read DynamoDB, and the others to wait for what it finds.
--
-- A copy can't be used if Redis has a newer version of the event's facts, or if nothing says how many seats can be had:
-- there is no state, and the copy does not know either (it does once nothing is sold any more).
--
-- KEYS[1] state
-- KEYS[2] copy
-- KEYS[3] turn
-- ARGV[1] time before its end at which a copy is read anew, ms
-- ARGV[2] how long a turn lasts at most, ms
--
-- SHOWN    the event's JSON, seats
-- AGEING   the same, and 1 if there is a state; it is the caller's turn to read the event
-- READ     it is the caller's turn to read the event; 1 if there is a state
-- WAIT     somebody else reads it
-- MISSING  there was no such event a moment ago

local state, copy, turn = KEYS[1], KEYS[2], KEYS[3]
local ageing_ms, turn_ms = tonumber(ARGV[1]), ARGV[2]

local event, version, unsold, missing = unpack(redis.call('HMGET', copy, 'event', 'version', 'unsold', 'missing'))
local epoch, free, current = unpack(redis.call('HMGET', state, 'epoch', 'free', 'version'))
-- What is no number, as another release or a stranger may have left it, says nothing.
local seats, known = tonumber(epoch and free or unsold), tonumber(version)
local usable = event and seats and known and (tonumber(current) or 0) <= known

if usable and redis.call('PTTL', copy) > ageing_ms then
  return { 'SHOWN', event, seats }
end
if missing and not epoch then return { 'MISSING' } end
local is_our_turn = redis.call('SET', turn, 'taken', 'NX', 'PX', turn_ms)
if usable then
  if is_our_turn then return { 'AGEING', event, seats, epoch and 1 or 0 } end
  return { 'SHOWN', event, seats }
end
if is_our_turn then return { 'READ', epoch and 1 or 0 } end
return { 'WAIT' }
