-- unbegin.lua: a confirm that has begun was refused before it could commit (its client had too many requests). The hold is
-- again as it was before, unless another confirm of it began: that one may commit.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] which of the hold's confirms it was: `begins`, as begin.lua answered
--
-- UNBEGUN  the hold waits for a confirm, until the deadline that it had
-- CHANGED  the hold is gone, or it was `confirming` before, or another confirm began: nothing is changed

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, begins = ARGV[1], tonumber(ARGV[2])

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found then return { 'CHANGED' } end
local hold = cjson.decode(found)
if hold.state ~= 'confirming' or hold.begins ~= begins or hold.first ~= begins or not hold.held_until then
  return { 'CHANGED' }
end
count(state, 'confirming', hold.draws, -1)
redis.call('ZADD', deadlines, hold.held_until, id)
hold.state, hold.begun_at, hold.held_until = 'held', nil, nil
redis.call('HSET', holds, id, cjson.encode(hold))
return { 'UNBEGUN' }
