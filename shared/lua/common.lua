-- common.lua: what the scripts share. It stands before each of them and does nothing by itself.
--
-- An event's keys, all under the hash tag {event id}:
--   state      hash    facts of the event (name, starts_at, status, sales_open_at, sales_close_at, price,
--                      currency, max_per_booking, max_per_user, version, shards), epoch; for each shard
--                      free:<shard>, held:<shard>, confirming:<shard> (that part of held whose confirm has
--                      begun) and applied:<shard>; two sums over the shards: free and held; and for each user
--                      holding:<user> and bought:<user>, seats, and unbought:<user>, see count_unbought
--   deadlines  zset    reservation id -> deadline, ms since the Unix epoch
--   holds      hash    reservation id -> JSON {user, quantity, draws, unit_price, state, from, begun_at}
--
-- A draw is a pair {shard, seats}. Times are ms since the Unix epoch by Redis TIME: one clock for all.

-- One HMGET per reserve finds a shard with enough seats in nearly all cases.
local PROBES_MAX = 8
-- Overdue holds that are looked at in one call at most, so that no call holds up the others for long.
local EXPIRE_MAX = 500
local EXPIRE_PAGE = 50

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Whether the state was loaded. One that was lost must not come back piecemeal by a change to one of its fields.
local function is_loaded(state)
  return redis.call('HEXISTS', state, 'epoch') == 1
end

local function number_of(state, field)
  return tonumber(redis.call('HGET', state, field) or 0)
end

-- Adds seats (sign 1) or takes them away (sign -1) from what a name, like 'free', says of each drawn shard.
-- Answers how many seats that are in all.
local function count(state, name, draws, sign)
  local seats = 0
  for _, draw in ipairs(draws) do
    redis.call('HINCRBY', state, name .. ':' .. draw[1], sign * draw[2])
    seats = seats + draw[2]
  end
  return seats
end

local function add_free(state, draws, sign)
  redis.call('HINCRBY', state, 'free', sign * count(state, 'free', draws, sign))
end

local function add_held(state, draws, sign)
  redis.call('HINCRBY', state, 'held', sign * count(state, 'held', draws, sign))
end

-- Adds seats to what a user has of the event: name is 'holding' or 'bought'. A withdrawal is nobody's.
local function add_to_user(state, name, user, seats)
  if user == '' then return end
  local field = name .. ':' .. user
  if redis.call('HINCRBY', state, field, seats) <= 0 then redis.call('HDEL', state, field) end
end

-- How long a user held seats without buying them, since when, and up to when that is counted; all in ms.
local function unbought_of(state, user)
  local kept = redis.call('HGET', state, 'unbought:' .. user) or ''
  local spent, since, counted_to = string.match(kept, '^(%d+) since (%d+) to (%d+)$')
  return tonumber(spent or 0), tonumber(since or 0), tonumber(counted_to or 0)
end

-- A hold ended, and its user did not buy. Holds side by side count once.
local function count_unbought(state, hold, now)
  if hold.user == '' or not hold.from then return end
  local spent, since, counted_to = unbought_of(state, hold.user)
  if since == 0 then since = hold.from end
  spent = spent + math.max(now - math.max(hold.from, counted_to), 0)
  counted_to = math.max(now, counted_to)
  redis.call('HSET', state, 'unbought:' .. hold.user, string.format('%d since %d to %d', spent, since, counted_to))
end

-- Takes the seats of a new hold, or of new draws of a hold.
local function take(state, hold)
  add_free(state, hold.draws, -1)
  add_held(state, hold.draws, 1)
  add_to_user(state, 'holding', hold.user, hold.quantity)
  if hold.state == 'confirming' then count(state, 'confirming', hold.draws, 1) end
end

-- The hold's seats are held no longer; whether they are free or sold now is the caller's business.
local function let_go(state, hold)
  add_held(state, hold.draws, -1)
  add_to_user(state, 'holding', hold.user, -hold.quantity)
  if hold.state == 'confirming' then count(state, 'confirming', hold.draws, -1) end
end

local function give_back(state, hold)
  let_go(state, hold)
  add_free(state, hold.draws, 1)
end

local function remove_hold(deadlines, holds, id)
  redis.call('ZREM', deadlines, id)
  redis.call('HDEL', holds, id)
end

-- Returns the seats of overdue `held` holds until `wanted` seats are free or EXPIRE_MAX holds were looked at.
-- Answers how many holds expired, and the overdue `confirming` ones met: only the janitor may settle those.
local function expire_overdue(state, deadlines, holds, now, wanted)
  local expired, confirming, seen = 0, {}, 0
  while seen < EXPIRE_MAX and number_of(state, 'free') < wanted do
    -- Those that stay are in front of those not seen yet.
    local due = redis.call('ZRANGEBYSCORE', deadlines, '-inf', now, 'WITHSCORES', 'LIMIT', #confirming, EXPIRE_PAGE)
    if #due == 0 then break end
    for i = 1, #due, 2 do
      seen = seen + 1
      local found = redis.call('HGET', holds, due[i])
      local hold = found and cjson.decode(found)
      if not hold then
        redis.call('ZREM', deadlines, due[i])
      elseif hold.state == 'held' then
        give_back(state, hold)
        count_unbought(state, hold, tonumber(due[i + 1]))
        remove_hold(deadlines, holds, due[i])
        expired = expired + 1
      else
        confirming[#confirming + 1] = { id = due[i], deadline = tonumber(due[i + 1]), user = hold.user }
      end
    end
  end
  return expired, confirming
end

-- The draws for `wanted` seats, which must be free in all. One shard if any has enough; else the fullest
-- shards, so that the draws are few. `start` is a random number that spreads the buyers over the shards.
local function draw(state, wanted, start)
  local shards = number_of(state, 'shards')
  local fields = {}
  for i = 0, math.min(shards, PROBES_MAX) - 1 do
    fields[#fields + 1] = 'free:' .. (start + i) % shards
  end
  for i, free in ipairs(redis.call('HMGET', state, unpack(fields))) do
    if tonumber(free or 0) >= wanted then
      return { { (start + i - 1) % shards, wanted } }
    end
  end

  fields = {}
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

-- What to answer when too few seats are free: 'ALL_HELD' while the holds, run out, would leave enough.
local function too_few(state, deadlines, now, wanted)
  local free = number_of(state, 'free')
  local first = redis.call('ZRANGE', deadlines, 0, 0, 'WITHSCORES')
  if #first > 0 and free + number_of(state, 'held') >= wanted then
    -- An overdue confirm is settled at the janitor's next run, which may be now.
    return { 'ALL_HELD', free, math.max(tonumber(first[2]), now) }
  end
  return { 'SOLD_OUT', free }
end

local function same_draws(a, b)
  return cjson.encode(a) == cjson.encode(b)
end
