-- lib/state.lua: the clock, and an event's state. What scripts share stands in `lib`, before each script that uses it, and
-- does nothing by itself.
--
-- The keys of an area of an event, all under one hash tag: {event id} of the first, {event id.number} of others:
--   state      hash    facts of the event (name, venue, starts_at, status, sales_open_at, sales_close_at,
--                      cancel_until, capacity, price, rates, currency, max_per_booking, max_per_user, version,
--                      shards), of an event that names areas also area and area_name, the area's id and its name,
--                      empty once it is taken away, and areas, JSON {id: number} of all; of an event with
--                      numbered areas format, see below, numbered, JSON {id: number} of these, and layout, its version; of a numbered area kind,
--                      `numbered`, no_single_seats, 1 or empty, and what lib/rows.lua lists; epoch; rates is JSON
--                      [[id, name, percent], ...], the ordinary one first, and empty
--                      if the event names none; for each shard
--                      free:<shard>, held:<shard>, confirming:<shard> (that part of held whose confirm has
--                      begun) and applied:<shard>; two sums over the shards: free and held; pending, how many seats pending
--                      bookings have, and pending_until, when the next of them runs out, both only for who asks when seats may
--                      return: DynamoDB has the truth, and the janitor brings it; and for each user
--                      holding:<user> and bought:<user>, seats, and unbought:<user>, see count_unbought
--   deadlines  zset    reservation id -> deadline, ms since the Unix epoch
--   holds      hash    reservation id -> JSON {user, quantity, draws, seats, unit_price, lines, state, from, most,
--                      begun_at, begins, first, held_until}: seats, of a numbered area, is what they are called; lines, of an event that names rates, are [{rate, name, quantity,
--                      unit_price}, ...], and there is no unit_price where theirs differ; most is what one user
--                      might have when it was granted; begins counts the confirms that began, first is the one that made it `confirming`, and held_until the deadline
--                      that it had before
--   ended      zset    <reservation id> <user id> released, or expired -> when it ended; kept for a day
--
-- A draw is a pair {shard, seats}: how many, or of a numbered area, where a shard is a row, which ones, from 0. Times are ms since the Unix epoch by Redis TIME: one clock for all.

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The formats of states that this release knows: that of one without a field `format`, and that of one with rows. One with another
-- is of a release that is to come, which may keep seats otherwise: nothing is written to it, whoever asks.
local FORMATS = { ['1'] = true, ['2'] = true }

local function check_format(format)
  if format and not FORMATS[format] then error({ err = 'FORMAT the state of the event is of another release' }) end
end

-- The epoch of a loaded state, false if there is none. A state that was lost must not come back piecemeal by a change to one of
-- its fields.
local function epoch_of(state)
  local epoch, format = unpack(redis.call('HMGET', state, 'epoch', 'format'))
  check_format(format)
  return epoch
end

local function is_loaded(state)
  return epoch_of(state) ~= false
end

local function number_of(state, field)
  return tonumber(redis.call('HGET', state, field) or 0)
end

-- So many seats more, or less, are pending; the next ones may return then.
local function count_pending(state, seats, pending_until)
  local pending = math.max(number_of(state, 'pending') + seats, 0)
  redis.call('HSET', state, 'pending', pending)
  local before = number_of(state, 'pending_until')
  if pending_until and (before <= now_ms() or pending_until < before) then
    redis.call('HSET', state, 'pending_until', string.format('%.0f', pending_until))
  end
end

-- What JSON says; nil if it can't be read, as what another release wrote.
local function read_json(json)
  local is_json, value = pcall(cjson.decode, json)
  return is_json and type(value) == 'table' and value or nil
end

-- How a user's hold ended, if that is still known.
local function how_ended(ended, id, user)
  for _, how in ipairs({ 'released', 'expired' }) do
    if redis.call('ZSCORE', ended, id .. ' ' .. user .. ' ' .. how) then return how end
  end
end
