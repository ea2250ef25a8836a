-- lib/draw.lua: chooses the shards that seats are taken from. Needs lib/state.lua.

-- Shards that are looked at together once the first one has too few seats.
local PROBES_MAX = 8

-- Of the shards from..to - 1, counted round, the first that has enough free seats; nil if none has.
local function shard_with(state, wanted, shards, from, to)
  if from == to then return nil end
  local fields = {}
  for i = from, to - 1 do
    fields[#fields + 1] = 'free:' .. i % shards
  end
  for i, free in ipairs(redis.call('HMGET', state, unpack(fields))) do
    if tonumber(free or 0) >= wanted then return (from + i - 1) % shards end
  end
end

-- The draws for `wanted` seats, which must be free in all. One shard if any has enough; else the fullest
-- shards, so that the draws are few. `start` is a random number that spreads the buyers over the shards.
local function draw(state, wanted, shards, start)
  -- While there are seats enough, nearly always the first one has some.
  local shard = shard_with(state, wanted, shards, start, start + 1)
    or shard_with(state, wanted, shards, start + 1, start + math.min(shards, PROBES_MAX))
  if shard then return { { shard, wanted } } end

  local fields = {}
  for shard = 0, shards - 1 do
    fields[#fields + 1] = 'free:' .. shard
  end
  local fullest_first = {}
  for i, free in ipairs(redis.call('HMGET', state, unpack(fields))) do
    if tonumber(free or 0) > 0 then
      fullest_first[#fullest_first + 1] = { i - 1, tonumber(free) }
    end
  end
  table.sort(fullest_first, function(a, b) return a[2] > b[2] end)
  local draws = {}
  for _, shard in ipairs(fullest_first) do
    local seats = math.min(shard[2], wanted)
    draws[#draws + 1] = { shard[1], seats }
    wanted = wanted - seats
    if wanted == 0 then break end
  end
  return draws
end

-- When the next hold runs out, or ran out; nil if there are none.
local function first_deadline(deadlines)
  return tonumber(redis.call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')[2])
end

-- For how long to wait if pending seats may return, and nobody knows when: by then the janitor has been here.
local PENDING_WAIT_MS = 60000

-- What to answer when too few seats are free: 'ALL_HELD' while holds and pending bookings, run out, would leave enough. `first` is the
-- first of the holds' deadlines, and `area` the area's id, nil or false if the event names none.
local function too_few(state, free, first, now, wanted, area)
  local held, pending, pending_until = unpack(redis.call('HMGET', state, 'held', 'pending', 'pending_until'))
  held, pending, pending_until = tonumber(held or 0), tonumber(pending or 0), tonumber(pending_until or 0)
  if not first and pending == 0 or free + held + pending < wanted then return { 'SOLD_OUT', free, area } end
  -- An overdue confirm is settled at the janitor's next run, which may be now.
  local next_held = first and free + held >= wanted and math.max(first, now) or math.huge
  local next_pending = pending > 0 and (pending_until > now and pending_until or now + PENDING_WAIT_MS) or math.huge
  return { 'ALL_HELD', free, math.min(next_held, next_pending), area }
end
