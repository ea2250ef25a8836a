-- reserve.lua: holds seats for a user, in one round trip.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] idempotency: the record of this user's idempotency key
-- KEYS[5] ended
-- ARGV[1] id of the new reservation
-- ARGV[2] user id
-- ARGV[3] quantity
-- ARGV[4] hold TTL, ms
-- ARGV[5] TTL of the idempotency record, ms
-- ARGV[6] random number, to spread buyers over the shards
-- ARGV[7] how long a user may hold seats without buying them, ms; 0 for any time
-- ARGV[8] within which time, ms
-- ARGV[9] how many places at which rates: JSON [[rate id, places], ...] in the order of the ids, the rest at the first rate;
--         empty for all at the first
-- ARGV[10] id of the area that is asked for; empty if none is named
-- ARGV[11] which seats of a numbered area: JSON {chosen, apart, accessible}: what they are called, whether they need not stand
--         side by side, whether they are for people who need accessible ones; empty for the best, side by side
--
-- HELD         the seats are held: JSON {id, area, area_name, quantity, seats, unit_price, lines, currency, expires_at}; now; the event's
--              capacity, nil if an older release loaded the event
-- REPLAYED     this request was answered before: the same JSON; now; what became of the hold: `held` and until when,
--              `released` or `expired`, or `gone`: perhaps it is a booking
-- KEY_REUSED   the idempotency key was used for another quantity, for other rates, other seats, or for another area
-- NOT_LOADED   the state is missing: load the event and call again
-- DRAFT        the event is not published
-- CANCELLED    the event is cancelled
-- NOT_OPEN     sales open later: the time
-- CLOSED       sales have closed: the time
-- TOO_MANY     more than one booking may have: the most it may
-- OTHER_AREA   another area is meant: its number
-- UNKNOWN_AREA  the event has no such area
-- AREA_REQUIRED  the event has several areas, and none is named
-- UNKNOWN_RATE  the event has no such rate: its id
-- UNKNOWN_SEATS  the area has no such seats: JSON array of their names
-- SEATS_TAKEN  they are not free: JSON array of their names; the area's id
-- NOT_TOGETHER  so many are free, but not side by side in one row: how many are, at most; the area's id
-- USER_LIMIT   more than one user may have: the most, and what the user has bought and holds, as Redis knows it
-- UNBOUGHT     the user held seats for too long without buying them: the time when that is forgotten
-- ALL_HELD     too few seats are free, but holds may run out: seats free, time when the next one does; the area's id, nil if
--              the event names no areas
-- SOLD_OUT     too few seats are free, and no holds could change that: seats free; the area's id likewise
-- ID_TAKEN     the id is in use: call again with another

local state, deadlines, holds, idempotency, ended = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, user, quantity = ARGV[1], ARGV[2], tonumber(ARGV[3])
local hold_ttl_ms, idempotency_ttl_ms, start = tonumber(ARGV[4]), ARGV[5], tonumber(ARGV[6])
local unbought_max_ms, unbought_window_ms, wanted_rates = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9] or ''
local wanted_area, wanted_seats = ARGV[10] or '', ARGV[11] or ''
local wish = wanted_seats ~= '' and cjson.decode(wanted_seats) or {}

-- What to answer if this is not the area that is meant; nil if it is. Only who names none, or another one, has to ask.
local function which_area(state, area, wanted)
  if not area then
    if wanted == '' or wanted == 'general' then return nil end
    return { 'UNKNOWN_AREA' }
  end
  local numbers = cjson.decode(redis.call('HGET', state, 'areas') or '{}')
  local only, number = next(numbers)
  if wanted == '' then
    if not only or next(numbers, only) then return { 'AREA_REQUIRED' } end
    if only == area then return nil end
    return { 'OTHER_AREA', number }
  end
  if numbers[wanted] then return { 'OTHER_AREA', numbers[wanted] } end
  return { 'UNKNOWN_AREA' }
end

-- A record that can't be read is none.
local answered = redis.call('GET', idempotency)
local answer = answered and read_json(answered)
if answer and answer.id then
  if answer.quantity ~= quantity or (answer.wanted_rates or '') ~= wanted_rates then return { 'KEY_REUSED' } end
  if (answer.wanted_seats or '') ~= wanted_seats then return { 'KEY_REUSED' } end
  if wanted_area ~= '' and wanted_area ~= (answer.area or 'general') then return { 'KEY_REUSED' } end
  if not answer.replayed then
    -- From now on undo.lua leaves it alone.
    answer.replayed = true
    answered = cjson.encode(answer)
    redis.call('SET', idempotency, answered, 'KEEPTTL')
  end
  local now, found = now_ms(), is_loaded(state) and redis.call('HGET', holds, answer.id)
  if not found then return { 'REPLAYED', answered, now, how_ended(ended, answer.id, user) or 'gone' } end
  local deadline = tonumber(redis.call('ZSCORE', deadlines, answer.id) or 0)
  if deadline <= now and (read_json(found) or {}).state == 'held' then return { 'REPLAYED', answered, now, 'expired' } end
  return { 'REPLAYED', answered, now, 'held', deadline }
end

-- One read of the state for all that is known beforehand: many buyers wait behind this script.
local names = {
  'status', 'sales_open_at', 'sales_close_at', 'max_per_booking', 'price', 'currency', 'max_per_user', 'shards', 'free',
  'bought:' .. user, 'holding:' .. user, 'unbought:' .. user, 'capacity', 'rates',
  'area', 'area_name', 'format', 'kind', 'no_single_seats',
}
local status, open_at, close_at, most, price, currency, most_of_user, shards, free, bought, holding, unbought, capacity, rates,
  area, area_name, format, is_numbered, tidy = unpack(redis.call('HMGET', state, unpack(names)))
check_format(format)
if not status then return { 'NOT_LOADED' } end
if status == 'draft' then return { 'DRAFT' } end
if status == 'cancelled' then return { 'CANCELLED' } end
open_at, close_at, most, price = tonumber(open_at), tonumber(close_at), tonumber(most), tonumber(price)
most_of_user, free = tonumber(most_of_user) or math.huge, tonumber(free or 0)
bought, holding = tonumber(bought or 0), tonumber(holding or 0)
local now = now_ms()
if now < open_at then return { 'NOT_OPEN', open_at } end
if now >= close_at then return { 'CLOSED', close_at } end
if wanted_area ~= (area or '') or area == '' then
  local other = which_area(state, area, wanted_area)
  if other then return other end
end
if quantity > most then return { 'TOO_MANY', most } end
local unit_price, lines, unknown = charge(price, rates, quantity, wanted_rates)
if unknown then return { 'UNKNOWN_RATE', unknown } end

-- The user's own hold may have run out, behind many others'.
for _ = 1, 4 do
  if bought + holding + quantity <= most_of_user or holding == 0 then break end
  local expired = expire_overdue(state, deadlines, holds, ended, now, math.huge)
  holding, free = number_of(state, 'holding:' .. user), number_of(state, 'free')
  unbought = redis.call('HGET', state, 'unbought:' .. user)
  if expired < EXPIRE_MAX then break end
end
if bought + holding + quantity > most_of_user then return { 'USER_LIMIT', most_of_user, bought, holding } end

local spent_ms, since = unbought_of(unbought)
if since > 0 and now - since > unbought_window_ms then
  redis.call('HDEL', state, 'unbought:' .. user)
elseif unbought_max_ms > 0 and spent_ms >= unbought_max_ms then
  return { 'UNBOUGHT', since + unbought_window_ms }
end

if free < quantity and not wish.chosen and not wish.accessible then
  local first = first_deadline(deadlines)
  if first and first <= now then
    expire_overdue(state, deadlines, holds, ended, now, quantity)
    free, first = number_of(state, 'free'), first_deadline(deadlines)
  end
  if free < quantity then return too_few(state, free, first, now, quantity, area) end
end

-- What to answer if there are no draws, nil if there are; and the draws.
local function choose()
  if not is_numbered then
    if wish.chosen then return { 'UNKNOWN_SEATS', cjson.encode(wish.chosen) } end
    if wish.accessible then return { 'SOLD_OUT', 0, area } end
    return nil, draw(state, quantity, tonumber(shards), start)
  end
  if wish.chosen then
    local draws, unknown, taken = picker().chosen(state, wish.chosen)
    if unknown then return { 'UNKNOWN_SEATS', cjson.encode(unknown) } end
    if taken then return { 'SEATS_TAKEN', cjson.encode(taken), area } end
    return nil, draws
  end
  local draws, largest = picker().best(state, quantity, wish, tidy == '1')
  if draws then return nil, draws end
  local free_seats, first = number_of(state, 'free'), first_deadline(deadlines)
  if wish.accessible then
    free_seats = picker().accessible_free(state, quantity)
    -- What others hold is of no use to somebody who needs another kind.
    first = picker().holds_accessible(state) and first or nil
  end
  if free_seats < quantity then return too_few(state, free_seats, first, now, quantity, area) end
  return { 'NOT_TOGETHER', largest, area }
end

local refusal, draws = choose()
if refusal and is_numbered then
  -- Some of them may be held no longer.
  local first = first_deadline(deadlines)
  if first and first <= now then
    expire_overdue(state, deadlines, holds, ended, now, math.huge)
    refusal, draws = choose()
  end
end
if refusal then return refusal end
local seats = is_numbered and rows().names_of(state, draws) or nil
local hold = {
  user = user, quantity = quantity, draws = draws, seats = seats, unit_price = unit_price, lines = lines, state = 'held', from = now,
  most = most_of_user < math.huge and most_of_user or nil,
}
if redis.call('HSETNX', holds, id, cjson.encode(hold)) == 0 then return { 'ID_TAKEN' } end
take(state, hold)
local deadline = now + hold_ttl_ms
redis.call('ZADD', deadlines, deadline, id)
local answer = cjson.encode({
  id = id, area = area or nil, area_name = area_name or nil, quantity = quantity, seats = seats, unit_price = unit_price, lines = lines,
  currency = currency, expires_at = deadline,
  wanted_rates = wanted_rates ~= '' and wanted_rates or nil, wanted_seats = wanted_seats ~= '' and wanted_seats or nil,
})
redis.call('SET', idempotency, answer, 'PX', idempotency_ttl_ms)
return { 'HELD', answer, now, capacity and tonumber(capacity) }
