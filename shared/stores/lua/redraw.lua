-- redraw.lua: DynamoDB refused a commit of places without names because a drawn shard has too few: Redis had lost data and
-- promised too much. (A hold of seats with names never gets others.) Draws the hold's seats again, if enough are free. If not, the hold stays as it is until the janitor settles
-- it: another attempt to confirm it may be under way, and may still commit what it has.
--
-- The hold's old seats become free again. Those of a refused shard do not all exist: those beyond what DynamoDB had left
-- are taken away, if Redis lacks a commit that DynamoDB had (applied is below its version). Otherwise the janitor has
-- set it right already, and taking away once more would lose a seat.
--
-- If the hold is gone, the janitor took it back while its confirm was under way: it is made anew as it was, with other
-- seats. (If it is gone because another confirm of it was faster, the commit meets that one's booking, and finish gives
-- these seats back; if by chance they are the very ones that were sold, the shard promises them once more until the next
-- reconcile. tools/model/tests/it/weaknesses.rs has the story.)
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] ended
-- ARGV[1] reservation id
-- ARGV[2] draws that were refused as a whole: JSON array, see lib/state.lua
-- ARGV[3] the refused shards: JSON array of [shard, seats left in DynamoDB, its version there]
-- ARGV[4] grace, ms
-- ARGV[5] random number, to spread buyers over the shards
-- ARGV[6] user id
-- ARGV[7] quantity
-- ARGV[8] unit price quoted in the hold; empty where it differs
-- ARGV[9] lines quoted in the hold: JSON as in lib/state.lua; empty if it has none
--
-- REDRAWN   the hold has new draws: JSON array likewise
-- CHANGED   the hold has other draws than those refused: begin again
-- EXPIRED   the janitor took the hold back while its confirm was under way, and no seats are left for another
-- ALL_HELD  too few seats are free, but holds may run out: seats free, time when the next one does; the area's id, nil if the event
--           names no areas
-- SOLD_OUT  too few seats are free, and no holds could change that: seats free; the area's id likewise

local state, deadlines, holds, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, refused_draws, refused = ARGV[1], cjson.decode(ARGV[2]), cjson.decode(ARGV[3])
local grace_ms, start = tonumber(ARGV[4]), tonumber(ARGV[5])
local user, quantity, unit_price, lines = ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] or ''

if not is_loaded(state) then return { 'EXPIRED' } end
local found = redis.call('HGET', holds, id)
local hold, missing = found and cjson.decode(found), {}
if hold then
  if not same_draws(hold.draws, refused_draws) then return { 'CHANGED' } end
  give_back(state, hold)
  for _, draw in ipairs(hold.draws) do
    for _, shard in ipairs(refused) do
      local free = number_of(state, 'free:' .. draw[1])
      local excess = math.min(draw[2], free) - shard[2]
      if draw[1] == shard[1] and excess > 0 and number_of(state, 'applied:' .. draw[1]) < shard[3] then
        missing[#missing + 1] = { draw[1], excess }
      end
    end
  end
  add_free(state, missing, -1)
end

local now = now_ms()
if number_of(state, 'free') < quantity then
  expire_overdue(state, deadlines, holds, ended, now, quantity)
end
if number_of(state, 'free') < quantity then
  if not hold then return { 'EXPIRED' } end
  add_free(state, missing, 1)
  take(state, hold)
  local area = redis.call('HGET', state, 'area')
  return too_few(state, number_of(state, 'free'), first_deadline(deadlines), now, quantity, area)
end
local draws = draw(state, quantity, number_of(state, 'shards'), start)
hold = hold or {
  user = user, quantity = quantity, unit_price = unit_price, lines = lines ~= '' and cjson.decode(lines) or nil, from = now,
  begun_at = now,
}
hold.draws, hold.state, hold.begun_at = draws, 'confirming', hold.begun_at or now
take(state, hold)
redis.call('HSET', holds, id, cjson.encode(hold))
redis.call('ZADD', deadlines, now + grace_ms, id)
return { 'REDRAWN', cjson.encode(hold.draws) }
