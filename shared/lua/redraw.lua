-- redraw.lua: DynamoDB refused a commit because a drawn shard has too few seats: Redis had lost data and promised
-- too much. Draws the hold's seats again, or gives the hold up.
--
-- The hold's old seats become free again, but of a refused shard only as many as DynamoDB said it has left: the
-- others do not exist. That never takes away a real seat, and each refusal brings Redis nearer to the truth.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] draws that were refused as a whole: JSON array of [shard, seats]
-- ARGV[3] the refused shards: JSON array of [shard, seats left in DynamoDB]
-- ARGV[4] grace, ms
-- ARGV[5] random number, to spread buyers over the shards
--
-- REDRAWN   the hold has new draws: JSON array of [shard, seats]
-- CHANGED   the hold is gone or has other draws than those refused: begin again
-- ALL_HELD  too few seats are free, but holds may run out: seats free, time when the next one does; the hold is gone
-- SOLD_OUT  too few seats are free, and no holds could change that: seats free; the hold is gone

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, refused_draws, refused = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local grace_ms, start = tonumber(ARGV[4]), tonumber(ARGV[5])

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found then return { 'CHANGED' } end
local hold = cjson.decode(found)
if not same_draws(hold.draws, refused_draws) then return { 'CHANGED' } end

give_back(state, hold)
for _, shard in ipairs(refused) do
  for _, draw in ipairs(hold.draws) do
    local missing = draw[2] - shard[2]
    if draw[1] == shard[1] and missing > 0 then
      add_free(state, { { draw[1], missing } }, -1)
    end
  end
end

local now = now_ms()
if number_of(state, 'free') < hold.quantity then
  expire_overdue(state, deadlines, holds, now, hold.quantity)
end
if number_of(state, 'free') < hold.quantity then
  remove_hold(deadlines, holds, id)
  return too_few(state, deadlines, now, hold.quantity)
end
hold.draws = draw(state, hold.quantity, start)
take(state, hold)
redis.call('HSET', holds, id, cjson.encode(hold))
redis.call('ZADD', deadlines, now + grace_ms, id)
return { 'REDRAWN', cjson.encode(hold.draws) }
