-- lib/sell.lua: what was held is sold. Needs lib/seats.lua.

-- The hold's seats are sold, or, those of a withdrawal, out of sale.
local function sell(state, hold)
  let_go(state, hold)
  for _, draw in ipairs(hold.draws) do
    if type(draw[2]) == 'table' then rows().change_row(state, draw, hold.user == '' and 'withdrawn' or 'bought') end
    redis.call('HINCRBY', state, 'applied:' .. draw[1], 1)
  end
end
