-- withdraw.lua: draws free seats out of sale, so that the capacity can be lowered, or, all of them, so that the event can
-- become a draft. The seats become a `confirming` hold of nobody's. A lower capacity committed in DynamoDB is followed by
-- finish; all else by settle.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] id of the withdrawal
-- ARGV[2] seats wanted
-- ARGV[3] shards to draw from at most; if that does not reach, fewer seats are drawn
-- ARGV[4] grace, ms
-- ARGV[5] seats to draw from one row at most
--
-- WITHDRAWN   draws: JSON array, see lib/state.lua; the deadline, ms
-- TOO_FEW     fewer seats are free than wanted: how many are
-- NOT_LOADED  the state is missing: load the event and call again

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, wanted, shards_max, grace_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local of_row_max = tonumber(ARGV[5])

if not is_loaded(state) then return { 'NOT_LOADED' } end
-- Asked again, perhaps by a client library that lost the answer.
local found = redis.call('HGET', holds, id)
if found then
  return { 'WITHDRAWN', cjson.encode(cjson.decode(found).draws), tonumber(redis.call('ZSCORE', deadlines, id)) }
end
local now = now_ms()
expire_overdue(state, deadlines, holds, ended, now, wanted)
local free = number_of(state, 'free')
if free < wanted then return { 'TOO_FEW', free } end
local is_numbered = redis.call('HGET', state, 'kind')

-- The fullest shards give about the same each, so that what stays on sale stays spread.
local shards = {}
for shard = 0, number_of(state, 'shards') - 1 do
  local seats = number_of(state, 'free:' .. shard)
  if is_numbered then seats = math.min(seats, of_row_max) end
  if seats > 0 then shards[#shards + 1] = { shard, seats } end
end
table.sort(shards, function(a, b) return a[2] > b[2] end)
local givers = math.min(#shards, shards_max)
local left, draws = wanted, {}
for i = 1, givers do
  local share = math.ceil(left / (givers - i + 1))
  local seats = math.min(share, shards[i][2], left)
  if seats > 0 then
    draws[#draws + 1] = { shards[i][1], seats }
    left = left - seats
  end
end
-- What uneven shards could not give in equal shares, the fullest give.
for i, given in ipairs(draws) do
  local more = math.min(shards[i][2] - given[2], left)
  given[2] = given[2] + more
  left = left - more
end

if is_numbered then
  for _, one in ipairs(draws) do one[2] = rows().first_free(state, one[1], one[2]) end
end

hold_for_nobody(state, deadlines, holds, id, draws, now + grace_ms)
return { 'WITHDRAWN', cjson.encode(draws), now + grace_ms }
