-- correct.lua: sets an event's rank right, as the janitor counted its tickets in DynamoDB, unless it changed meanwhile.
--
-- KEYS[1] popular
-- ARGV[1] event id
-- ARGV[2] the rank seen before the tickets were counted; empty if there was none
-- ARGV[3] the right rank
--
-- CORRECTED  the rank was wrong and is right now
-- UNCHANGED  it was right, or it changed meanwhile, or there are no ranks

local popular = KEYS[1]
local id, seen, right = ARGV[1], ARGV[2], ARGV[3]

local rank = redis.call('ZSCORE', popular, id)
if tonumber(rank or -1) ~= tonumber(seen == '' and -1 or seen) or tonumber(rank or -1) == tonumber(right) then
  return { 'UNCHANGED' }
end
if redis.call('EXISTS', popular) == 0 then return { 'UNCHANGED' } end
redis.call('ZADD', popular, right, id)
return { 'CORRECTED' }
