-- lib/rows.lua: the seats of a numbered area. Needs lib/state.lua.
--
-- A row is a shard. What is kept of each in the state, beside what every shard has:
--   row:<shard>         its seats, a character each: free, held, sold, held but sold, sold again, or out of sale
--   row_name:<shard>    what it is called
--   row_at:<name>       the shard of the row that is called so
--   labels:<shard>      what its seats are called: how many they are if they are called 1, 2, 3 …, else /1/2/5a/
--   accessible:<shard>  of a row that has accessible seats, a 1 for each of them, and a 0 for each other
-- and of the area:
--   runs:<kind>         how many seats of that kind are free side by side in each row at most, a byte a row; the kinds are
--                       `ordinary`, and where there are accessible seats also `any` and `accessible`
--   has_accessible      the shards of the rows with accessible seats, each behind a space; only if there are any
--   seats_version       another one after each change of what is free

-- What knows rows. It is made where a script meets one: to make functions takes Redis longer than some scripts do.
local made_rows
local function rows()
  if made_rows then return made_rows end

  local FREE, HELD, SOLD, HELD_BUT_SOLD, SOLD_AGAIN, OUT_OF_SALE = '1', 'h', 's', 'H', 'S', 'x'

  -- What becomes of a seat. One that is held but sold is sold once its hold ends: DynamoDB knows better than Redis did. If that hold is
  -- bought, who had the seat before has cancelled, and Redis is still to hear of it: what then comes back is not free.
  local BECOMES = {
    taken = { [FREE] = HELD },
    given_back = { [HELD] = FREE, [HELD_BUT_SOLD] = SOLD },
    bought = { [HELD] = SOLD, [HELD_BUT_SOLD] = SOLD_AGAIN },
    withdrawn = { [HELD] = OUT_OF_SALE, [HELD_BUT_SOLD] = SOLD_AGAIN },
    on_sale_again = { [SOLD] = FREE, [HELD_BUT_SOLD] = HELD, [SOLD_AGAIN] = SOLD, [OUT_OF_SALE] = FREE },
  }

  -- A run of so many is a character from + on, longer ones than anybody asks for the same. So no run that is looked for is a ^ or a %,
  -- which mean something in a pattern.
  local RUN_BASE, RUN_MAX = string.byte('+'), 50

  -- A row as somebody sees it who wants seats of that kind: those of others are not free to them.
  local function seen(row, accessible, kind)
    if kind == 'any' then return row end
    if not accessible then return kind == 'ordinary' and row or string.rep(SOLD, #row) end
    local seats = {}
    local others = kind == 'ordinary' and '1' or '0'
    for seat = 1, #row do
      seats[seat] = string.sub(accessible, seat, seat) == others and SOLD or string.sub(row, seat, seat)
    end
    return table.concat(seats)
  end

  local function longest_run(row)
    local longest = 0
    for run in string.gmatch(row, FREE .. '+') do longest = math.max(longest, #run) end
    return longest
  end

  -- The runs of a kind, with that of one row as it is now.
  local function with_run(runs, shard, row)
    local run = string.char(RUN_BASE + math.min(longest_run(row), RUN_MAX))
    if #runs < shard then runs = runs .. string.rep(string.char(RUN_BASE), shard - #runs) end
    return string.sub(runs, 1, shard) .. run .. string.sub(runs, shard + 2)
  end

  local function kinds_of(has_accessible)
    return has_accessible and { 'ordinary', 'any', 'accessible' } or { 'ordinary' }
  end

  -- Keeps a row, and what is known of it.
  local function keep_row(state, shard, row)
    local accessible, has_accessible = unpack(
      redis.call('HMGET', state, 'accessible:' .. shard, 'has_accessible'))
    local fields = { 'row:' .. shard, row }
    for _, kind in ipairs(kinds_of(has_accessible)) do
      local before = redis.call('HGET', state, 'runs:' .. kind) or ''
      local runs = with_run(before, shard, seen(row, accessible, kind))
      if runs ~= before then
        fields[#fields + 1] = 'runs:' .. kind
        fields[#fields + 1] = runs
      end
    end
    redis.call('HSET', state, unpack(fields))
  end

  -- Changes seats of a row: they are `taken`, or what else BECOMES has. Answers how many more of them are free now.
  local function change_row(state, draw, how)
    local row = redis.call('HGET', state, 'row:' .. draw[1]) or ''
    local before, more = row, 0
    for _, seat in ipairs(draw[2]) do
      local was = string.sub(row, seat + 1, seat + 1)
      local is = BECOMES[how][was] or was
      row = string.sub(row, 1, seat) .. is .. string.sub(row, seat + 2)
      more = more + (is == FREE and 1 or 0) - (was == FREE and 1 or 0)
    end
    if row ~= before then
      keep_row(state, draw[1], row)
      if more ~= 0 then redis.call('HINCRBY', state, 'seats_version', 1) end
    end
    return more
  end

  -- The first free seats of a row, so many.
  local function first_free(state, shard, wanted)
    local row, seats = redis.call('HGET', state, 'row:' .. shard) or '', {}
    local at = string.find(row, FREE, 1, true)
    while at and #seats < wanted do
      seats[#seats + 1] = at - 1
      at = string.find(row, FREE, at + 1, true)
    end
    return seats
  end

  -- What a seat is called, as people read it: A-7.
  local function name_of_seat(state, shard, seat)
    local row, labels = unpack(redis.call('HMGET', state, 'row_name:' .. shard, 'labels:' .. shard))
    local label = tostring(seat + 1)
    if labels and string.sub(labels, 1, 1) == '/' then
      local nth = 0
      for one in string.gmatch(labels, '[^/]+') do
        if nth == seat then label = one end
        nth = nth + 1
      end
    end
    return (row or '') .. '-' .. label
  end

  -- What the seats of these draws are called, in their order; nil of places without names.
  local function names_of(state, draws)
    local names = {}
    for _, draw in ipairs(draws) do
      if type(draw[2]) ~= 'table' then return nil end
      for _, seat in ipairs(draw[2]) do names[#names + 1] = name_of_seat(state, draw[1], seat) end
    end
    return names
  end

  -- Adds rows behind the first so many. `inventory` says of each how many of its seats are free, its version and its seats, `layout` its
  -- name, its labels and which of its seats are accessible.
  local function add_rows(state, first, inventory, layout)
    local had_accessible = redis.call('HGET', state, 'has_accessible')
    local has_accessible = had_accessible
    for i, row in ipairs(layout) do
      if row[3] ~= '' then has_accessible = (has_accessible or '') .. ' ' .. (first + i - 1) end
    end
    local fields, runs = { 'shards', first + #layout }, {}
    local function set(field, value)
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
    if has_accessible then set('has_accessible', has_accessible) end
    for _, kind in ipairs(kinds_of(has_accessible)) do runs[kind] = redis.call('HGET', state, 'runs:' .. kind) or '' end
    -- Until there are accessible seats, nobody keeps runs of them.
    for shard = 0, has_accessible and not had_accessible and first - 1 or -1 do
      local row = redis.call('HGET', state, 'row:' .. shard)
      for kind in pairs(runs) do runs[kind] = with_run(runs[kind], shard, seen(row, false, kind)) end
    end
    local free = 0
    for i, row in ipairs(layout) do
      local shard, of_row, accessible = first + i - 1, inventory[i], row[3] ~= '' and row[3] or false
      free = free + of_row[1]
      set('free:' .. shard, of_row[1])
      set('applied:' .. shard, of_row[2])
      set('row:' .. shard, of_row[3])
      set('row_name:' .. shard, row[1])
      set('row_at:' .. row[1], shard)
      set('labels:' .. shard, row[2])
      if accessible then set('accessible:' .. shard, accessible) end
      for kind in pairs(runs) do runs[kind] = with_run(runs[kind], shard, seen(of_row[3], accessible, kind)) end
    end
    for kind, of_rows in pairs(runs) do set('runs:' .. kind, of_rows) end
    -- Lua can pass on some 8,000 values at once.
    for from = 1, #fields, 4000 do
      redis.call('HSET', state, unpack(fields, from, math.min(from + 3999, #fields)))
    end
    redis.call('HINCRBY', state, 'free', free)
    redis.call('HINCRBY', state, 'seats_version', 1)
  end

  made_rows = {
    FREE = FREE, HELD = HELD, HELD_BUT_SOLD = HELD_BUT_SOLD, RUN_BASE = RUN_BASE, RUN_MAX = RUN_MAX,
    seen = seen, with_run = with_run, add_rows = add_rows, keep_row = keep_row, change_row = change_row,
    first_free = first_free, names_of = names_of,
  }
  return made_rows
end
