-- lib/pick.lua: chooses seats with names. Needs lib/rows.lua. Rows stand best first; in a row the middle is best.

-- What chooses seats, made where it is needed, as lib/rows.lua says.
local function picker()
  local of_rows = rows()
  local FREE, HELD, RUN_BASE, RUN_MAX = of_rows.FREE, of_rows.HELD, of_rows.RUN_BASE, of_rows.RUN_MAX
  local seen, with_run = of_rows.seen, of_rows.with_run

  -- Rows that are looked at for neighbours that leave no single seat.
  local TIDY_ROWS = 4
  -- Rows that are looked at for accessible seats that are held.
  local ACCESSIBLE_ROWS = 100

  -- The seat of a row that is called so, from 0; nil if there is none.
  local function seat_called(labels, label)
    if string.sub(labels, 1, 1) ~= '/' then
      local seat = string.match(label, '^[1-9]%d?%d?$') and tonumber(label)
      return seat and seat <= tonumber(labels) and seat - 1 or nil
    end
    local at = string.find(labels, '/' .. label .. '/', 1, true)
    if not at or string.find(label, '/', 1, true) then return nil end
    local _, before = string.gsub(string.sub(labels, 1, at - 1), '/', '')
    return before
  end

  -- The shard and the seat of a name like A-7; nil if there is none. Rows and labels may have hyphens of their own.
  local function seat_of_name(state, name)
    local at = string.find(name, '-', 1, true)
    while at do
      local shard = redis.call('HGET', state, 'row_at:' .. string.sub(name, 1, at - 1))
      local labels = shard and redis.call('HGET', state, 'labels:' .. shard)
      local seat = labels and seat_called(labels, string.sub(name, at + 1))
      if seat then return tonumber(shard), seat end
      at = string.find(name, '-', at + 1, true)
    end
  end

  -- Draws that take those seats, {shard, seat} each: one a row, its seats in their order.
  local function as_draws(seats)
    table.sort(seats, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
    local draws = {}
    for _, one in ipairs(seats) do
      local last = draws[#draws]
      if last and last[1] == one[1] then
        last[2][#last[2] + 1] = one[2]
      else
        draws[#draws + 1] = { one[1], { one[2] } }
      end
    end
    return draws
  end

  -- The draws that take the seats of these names; or the names that are unknown; or those that are not free.
  local function chosen(state, names)
    local seats, unknown, taken = {}, {}, {}
    for _, name in ipairs(names) do
      local shard, seat = seat_of_name(state, name)
      if not shard then
        unknown[#unknown + 1] = name
      else
        seats[#seats + 1] = { shard, seat }
        local row = redis.call('HGET', state, 'row:' .. shard) or ''
        if string.sub(row, seat + 1, seat + 1) ~= FREE then taken[#taken + 1] = name end
      end
    end
    if #unknown > 0 then return nil, unknown end
    if #taken > 0 then return nil, nil, taken end
    return as_draws(seats)
  end

  -- The best place for so many neighbours in a row that has them, from 0, and whether it leaves a single seat beside them.
  local function best_in_row(row, wanted, tidy)
    local best, least, leaves_single = nil, math.huge, false
    local middle = (#row - wanted) / 2
    local at = 1
    while true do
      local first, last = string.find(row, FREE .. '+', at)
      if not first then break end
      for place = first - 1, last - wanted do
        local single = place == first or last - wanted == place + 1
        local cost = math.abs(place - middle) + (tidy and single and 1000 or 0)
        if cost < least then best, least, leaves_single = place, cost, single end
      end
      at = last + 1
    end
    return best, leaves_single
  end

  -- The characters of runs of so many or more.
  local function runs_from(wanted)
    return '[' .. string.char(RUN_BASE + wanted) .. '-~]'
  end

  local function largest_run(runs)
    for wanted = RUN_MAX, 1, -1 do
      if string.find(runs, string.char(RUN_BASE + wanted), 1, true) then return wanted end
    end
    return 0
  end

  local function row_seen(state, shard, kind)
    local row, accessible = unpack(redis.call('HMGET', state, 'row:' .. shard, 'accessible:' .. shard))
    return seen(row or '', accessible, kind)
  end

  local function seats_from(place, wanted)
    local seats = {}
    for seat = place, place + wanted - 1 do seats[#seats + 1] = seat end
    return seats
  end

  -- A draw of so many neighbours of a kind, of the best row that has them; nil if none has. Everybody gets the best that is free:
  -- docs/decisions/a-row-is-a-shard.md says why they are not spread over several rows.
  local function neighbours(state, runs, wanted, kind, tidy)
    local pattern = runs_from(wanted)
    local at, first = string.find(runs, pattern), nil
    if not at then return nil end
    for _ = 1, tidy and TIDY_ROWS or 1 do
      local shard = at - 1
      local place, leaves_single = best_in_row(row_seen(state, shard, kind), wanted, tidy)
      if place then
        local draw = { shard, seats_from(place, wanted) }
        if not (tidy and leaves_single) then return draw end
        first = first or draw
      end
      at = string.find(runs, pattern, at + 1)
      if not at then break end
    end
    return first
  end

  -- Draws of so many seats of a kind that need not stand together, the longest runs first; nil if there are too few.
  local function anywhere(state, runs, wanted, kind)
    local seats, rows = {}, {}
    while #seats < wanted do
      local left = wanted - #seats
      local at = string.find(runs, runs_from(left))
      local length = at and left or largest_run(runs)
      if length == 0 then return nil end
      at = at or string.find(runs, string.char(RUN_BASE + length), 1, true)
      local shard = at - 1
      local row = rows[shard] or row_seen(state, shard, kind)
      local place = best_in_row(row, length, false)
      if not place then return nil end
      for seat = place, place + length - 1 do seats[#seats + 1] = { shard, seat } end
      rows[shard] = string.sub(row, 1, place) .. string.rep(HELD, length) .. string.sub(row, place + length + 1)
      runs = with_run(runs, shard, rows[shard])
    end
    return as_draws(seats)
  end

  -- How many accessible seats are free, or so many if there are more: rows without any are not looked at.
  local function accessible_free(state, most)
    local runs = redis.call('HGET', state, 'runs:accessible') or ''
    local free, at = 0, string.find(runs, runs_from(1))
    while at and free < most do
      local _, count = string.gsub(row_seen(state, at - 1, 'accessible'), FREE, '')
      free, at = free + count, string.find(runs, runs_from(1), at + 1)
    end
    return free
  end

  -- Whether an accessible seat is held that may come back. Of many rows only the first are looked at, and then one may be.
  local function holds_accessible(state)
    local looked_at = 0
    for shard in string.gmatch(redis.call('HGET', state, 'has_accessible') or '', '%d+') do
      if looked_at == ACCESSIBLE_ROWS or string.find(row_seen(state, shard, 'accessible'), HELD, 1, true) then return true end
      looked_at = looked_at + 1
    end
    return false
  end

  -- The best draws of so many seats, as `wish` has it: {apart, accessible}. Seats that are meant for others who need them come
  -- last. If there are none, how many neighbours could be had.
  local function best(state, wanted, wish, tidy)
    local has_accessible = redis.call('HGET', state, 'has_accessible')
    local kinds = { 'ordinary', has_accessible and 'any' or nil }
    if wish.accessible then kinds = { has_accessible and 'accessible' or nil } end
    local largest = 0
    for _, kind in ipairs(kinds) do
      local runs = redis.call('HGET', state, 'runs:' .. kind) or ''
      local draw = neighbours(state, runs, wanted, kind, tidy)
      if draw then return { draw } end
      local draws = wish.apart and anywhere(state, runs, wanted, kind)
      if draws then return draws end
      largest = math.max(largest, largest_run(runs))
    end
    return nil, largest
  end

  return { chosen = chosen, best = best, accessible_free = accessible_free, holds_accessible = holds_accessible }
end
