-- withdraw_seats.lua: draws these very seats with names out of sale, as withdraw.lua does with any.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] id of the withdrawal
-- ARGV[2] the seats: JSON array of draws, see lib/state.lua
-- ARGV[3] grace, ms
--
-- WITHDRAWN   the deadline, ms
-- IN_USE      some of them are not free: JSON array of them, each its shard and its place in the row
-- NOT_LOADED  the state is missing: load the event and call again

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, draws, grace_ms = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])

if not is_loaded(state) then return { 'NOT_LOADED' } end
-- Asked again, perhaps by a client library that lost the answer.
if redis.call('HEXISTS', holds, id) == 1 then
  return { 'WITHDRAWN', tonumber(redis.call('ZSCORE', deadlines, id)) }
end
local now = now_ms()
expire_overdue(state, deadlines, holds, ended, now, math.huge)

local in_use = {}
for _, one in ipairs(draws) do
  local row = redis.call('HGET', state, 'row:' .. one[1]) or ''
  for _, seat in ipairs(one[2]) do
    if string.sub(row, seat + 1, seat + 1) ~= rows().FREE then
      in_use[#in_use + 1] = { one[1], seat }
    end
  end
end
if #in_use > 0 then return { 'IN_USE', cjson.encode(in_use) } end
hold_for_nobody(state, deadlines, holds, id, draws, now + grace_ms)
return { 'WITHDRAWN', now + grace_ms }
