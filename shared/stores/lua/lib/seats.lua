-- lib/seats.lua: moves an event's seats. Needs lib/state.lua and lib/rows.lua.

-- Overdue holds that are looked at in one call at most, so that no call holds up the others for long.
local EXPIRE_MAX = 500
local EXPIRE_PAGE = 50
-- How long it is known how a hold ended: as long as an idempotency key.
local ENDED_MS = 24 * 60 * 60 * 1000

-- How many seats a draw has.
local function seats_of(draw)
  return type(draw[2]) == 'table' and #draw[2] or draw[2]
end

-- Adds seats (sign 1) or takes them away (sign -1) from what a name, like 'free', says of each drawn shard.
-- Answers how many seats that are in all.
local function count(state, name, draws, sign)
  local seats = 0
  for _, draw in ipairs(draws) do
    local drawn = seats_of(draw)
    redis.call('HINCRBY', state, name .. ':' .. draw[1], sign * drawn)
    seats = seats + drawn
  end
  return seats
end

-- Seats of draws become free (sign 1), or are free no longer (sign -1). What becomes of those with names, `how` says.
local function add_free(state, draws, sign, how)
  local free = 0
  for _, draw in ipairs(draws) do
    local more = type(draw[2]) == 'table' and rows().change_row(state, draw, how) or sign * draw[2]
    redis.call('HINCRBY', state, 'free:' .. draw[1], more)
    free = free + more
  end
  redis.call('HINCRBY', state, 'free', free)
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

-- What a field unbought:<user> says: how long the user held seats without buying them, since when, and up to when that
-- is counted; all in ms.
local function unbought_of(kept)
  if not kept then return 0, 0, 0 end
  local spent, since, counted_to = string.match(kept, '^(%d+) since (%d+) to (%d+)$')
  return tonumber(spent or 0), tonumber(since or 0), tonumber(counted_to or 0)
end

-- Seats were held from then on and not bought. What was held side by side counts once, and for `least` ms at least.
local function count_unbought(state, user, from, now, least)
  if user == '' or not from then return end
  local field = 'unbought:' .. user
  local spent, since, counted_to = unbought_of(redis.call('HGET', state, field))
  if since == 0 then since = from end
  spent = spent + math.max(now - math.max(from, counted_to), least, 0)
  counted_to = math.max(now, counted_to)
  redis.call('HSET', state, field, string.format('%d since %d to %d', spent, since, counted_to))
end

-- Takes the seats of a new hold, or of new draws of a hold.
local function take(state, hold)
  add_free(state, hold.draws, -1, 'taken')
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
  add_free(state, hold.draws, 1, 'given_back')
end

-- Remembers how a user's hold ended: `released` or `expired`. A withdrawal is nobody's.
local function note_end(ended, id, user, how, now)
  if user == '' then return end
  redis.call('ZADD', ended, now, id .. ' ' .. user .. ' ' .. how)
  redis.call('ZREMRANGEBYSCORE', ended, '-inf', now - ENDED_MS)
  redis.call('PEXPIRE', ended, ENDED_MS)
end

local function remove_hold(deadlines, holds, id)
  redis.call('ZREM', deadlines, id)
  redis.call('HDEL', holds, id)
end

-- Returns the seats of overdue `held` holds until `wanted` seats are free or EXPIRE_MAX holds were looked at.
-- Answers how many holds expired, the overdue `confirming` ones met: only the janitor may settle those; and how many can't
-- be read: nobody knows their seats.
local function expire_overdue(state, deadlines, holds, ended, now, wanted)
  local expired, confirming, unreadable, seen = 0, {}, 0, 0
  while seen < EXPIRE_MAX and number_of(state, 'free') < wanted do
    -- Those that stay are in front of those not seen yet.
    local due = redis.call('ZRANGEBYSCORE', deadlines, '-inf', now, 'WITHSCORES', 'LIMIT', #confirming + unreadable,
      EXPIRE_PAGE)
    if #due == 0 then break end
    for i = 1, #due, 2 do
      seen = seen + 1
      local found = redis.call('HGET', holds, due[i])
      local hold = found and read_json(found)
      if not found then
        redis.call('ZREM', deadlines, due[i])
      elseif not (hold and hold.user and hold.quantity and hold.draws) then
        unreadable = unreadable + 1
      elseif hold.state == 'held' then
        give_back(state, hold)
        count_unbought(state, hold.user, hold.from, tonumber(due[i + 1]), 0)
        remove_hold(deadlines, holds, due[i])
        note_end(ended, due[i], hold.user, 'expired', now)
        expired = expired + 1
      else
        confirming[#confirming + 1] = { id = due[i], deadline = tonumber(due[i + 1]), user = hold.user }
      end
    end
  end
  return expired, confirming, unreadable
end

local function same_draws(a, b)
  return cjson.encode(a) == cjson.encode(b)
end
