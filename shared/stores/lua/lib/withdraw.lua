-- lib/withdraw.lua: seats leave the sale. Needs lib/seats.lua.

-- Seats that leave the sale become a `confirming` hold of nobody's.
local function hold_for_nobody(state, deadlines, holds, id, draws, deadline)
  local seats = 0
  for _, draw in ipairs(draws) do seats = seats + seats_of(draw) end
  local hold = { user = '', quantity = seats, draws = draws, unit_price = 0, state = 'confirming' }
  take(state, hold)
  redis.call('HSET', holds, id, cjson.encode(hold))
  redis.call('ZADD', deadlines, deadline, id)
end
