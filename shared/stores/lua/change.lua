-- change.lua: an event was created or changed; the list of events follows with the next look at it.
--
-- KEYS[1] changes
-- KEYS[2] generation
-- KEYS[3] popular
-- KEYS[4] sales
-- ARGV[1] event id
-- ARGV[2] the event's version
-- ARGV[3] what became of it: JSON, as the list has it but for the close of sales; and whether it belongs there
-- ARGV[4] a new generation
-- ARGV[5] how long the change is remembered, ms
-- ARGV[6] the part of its rank that comes from its start, see sold.lua
-- ARGV[7] rank of one ticket
-- ARGV[8] 1 if the event belongs in the list
--
-- CHANGED  the list is another one
-- OLDER    a newer version is known; nothing is changed

local changes, generation, popular, sales = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, version, entry, new_generation, remembered_ms = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local by_start, ticket, is_listed = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]

local known = redis.call('HGET', changes, id)
if known and tonumber(string.match(known, '^%d+ (%d+)') or 0) > version then
  return { 'OLDER' }
end
redis.call('HSET', changes, id, string.format('%d %d %s', now_ms(), version, entry))
redis.call('PEXPIRE', changes, remembered_ms)
redis.call('SET', generation, new_generation)
-- What was counted over all events counts another capacity, or another name, now.
redis.call('INCR', sales)
if is_listed ~= '1' then
  redis.call('ZREM', popular, id)
-- Where the ranks are lost, one alone would pass for all of them.
elseif redis.call('EXISTS', popular) == 1 then
  local rank = tonumber(redis.call('ZSCORE', popular, id) or 0)
  rank = rank - rank % ticket + by_start
  redis.call('ZADD', popular, string.format('%.0f', rank), id)
end
return { 'CHANGED' }
