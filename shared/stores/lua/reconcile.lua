-- reconcile.lua: holds each shard against what DynamoDB says of it, and repairs what Redis has wrong.
--
-- The order of reads is the fence. The caller first read epoch and applied from Redis, then the shards from DynamoDB,
-- strongly consistent; a shard is judged only if both are still the same. (`applied` counts commits, it does not name
-- them: a DynamoDB read older than `applied` must never be used.)
--
-- Where DynamoDB's version is applied, every commit is known here, and free must be unsold - held. Where it is not,
-- and no confirm that draws on the shard is under way, the Redis half of a commit is in flight or lost. It is
-- remembered; if a sweep more than a grace period later sees the same, no request can bring it any more, and
-- DynamoDB's numbers are adopted.
--
-- KEYS[1] state
-- ARGV[1] epoch seen before
-- ARGV[2] shards: JSON array of [applied seen before, DynamoDB's version, DynamoDB's unsold], one a shard in their order; of a row
--         also its seats as DynamoDB has them: free, sold or out of sale, as lib/rows.lua writes that
-- ARGV[3] grace, ms
-- ARGV[4] pending seats of all shards, by DynamoDB
--
-- RECONCILED     shards repaired; seats that Redis had too many, seats that it had too few; shards that wait
-- EPOCH_CHANGED  the state is another one, or none; nothing is changed

local state = KEYS[1]
local epoch, shards, grace_ms = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])
local pending = tonumber(ARGV[4] or 0)

if epoch_of(state) ~= epoch then
  return { 'EPOCH_CHANGED' }
end

local now = now_ms()
local repaired, too_many, too_few_seats, waiting = 0, 0, 0, 0

-- Whether this very difference has been there for longer than the grace.
local function is_old(shard, difference)
  local field = 'differs:' .. shard
  local seen, since = string.match(redis.call('HGET', state, field) or '', '^(.*) since (%d+)$')
  if seen == difference then
    return now - tonumber(since) > grace_ms
  end
  redis.call('HSET', state, field, difference .. ' since ' .. string.format('%d', now))
  return false
end

local function set_free(shard, unsold)
  local excess = number_of(state, 'free:' .. shard) - (unsold - number_of(state, 'held:' .. shard))
  if excess ~= 0 then
    add_free(state, { { shard, excess } }, -1)
    repaired = repaired + 1
    too_many = too_many + math.max(excess, 0)
    too_few_seats = too_few_seats + math.max(-excess, 0)
  end
end

-- A row as it must be: what DynamoDB has, and what of it is held here.
local function right_row(row, truth)
  local FREE, HELD, HELD_BUT_SOLD = rows().FREE, rows().HELD, rows().HELD_BUT_SOLD
  local seats = {}
  for seat = 1, #truth do
    local here, there = string.sub(row, seat, seat), string.sub(truth, seat, seat)
    local is_held = here == HELD or here == HELD_BUT_SOLD
    seats[seat] = is_held and (there == FREE and HELD or HELD_BUT_SOLD) or there
  end
  return table.concat(seats)
end

local function set_row(shard, truth)
  local row = redis.call('HGET', state, 'row:' .. shard)
  if not row then return end
  local FREE, counted = rows().FREE, number_of(state, 'free:' .. shard)
  -- Most rows are right, and the largest halls have thousands: those are not taken apart.
  local _, free_here = string.gsub(row, FREE, '')
  if counted == free_here and string.gsub(row, rows().HELD, FREE) == truth then return end
  local right, free = right_row(row, truth), 0
  for seat = 1, #right do
    local was, is = string.sub(row, seat, seat) == FREE, string.sub(right, seat, seat) == FREE
    free = free + (is and 1 or 0)
    too_many = too_many + (was and not is and 1 or 0)
    too_few_seats = too_few_seats + (is and not was and 1 or 0)
  end
  if right == row and counted == free then return end
  repaired = repaired + 1
  rows().keep_row(state, shard, right)
  redis.call('HINCRBY', state, 'seats_version', 1)
  redis.call('HSET', state, 'free:' .. shard, free)
  redis.call('HINCRBY', state, 'free', free - counted)
end

local function set_right(shard, unsold, truth)
  if truth then set_row(shard, truth) else set_free(shard, unsold) end
end

for i, seen_before in ipairs(shards) do
  local shard, applied, version, unsold, truth = i - 1, unpack(seen_before)
  if number_of(state, 'applied:' .. shard) == applied then
    if version == applied then
      redis.call('HDEL', state, 'differs:' .. shard)
      set_right(shard, unsold, truth)
    elseif number_of(state, 'confirming:' .. shard) > 0 then
      waiting = waiting + 1
    elseif is_old(shard, version .. ' over ' .. applied) then
      redis.call('HDEL', state, 'differs:' .. shard)
      redis.call('HSET', state, 'applied:' .. shard, version)
      set_right(shard, unsold, truth)
    else
      waiting = waiting + 1
    end
  end
end
-- A raised capacity may have brought shards that nobody told Redis of. Rows come with their names (add_rows.lua).
if #shards > number_of(state, 'shards') and not redis.call('HGET', state, 'kind') then
  redis.call('HSET', state, 'shards', #shards)
end
if pending ~= number_of(state, 'pending') then redis.call('HSET', state, 'pending', pending) end
return { 'RECONCILED', repaired, too_many, too_few_seats, waiting }
