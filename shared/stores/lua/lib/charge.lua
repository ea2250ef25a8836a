-- lib/charge.lua: what places cost, by rate. `domain::rate` counts likewise.

local ORDINARY = 'full'

-- What so many places cost at that price: the price of each, nil where it differs; the lines, nil if the event names no rates;
-- or the id of a rate that the event does not have.
local function charge(price, rates, quantity, wanted)
  if (not rates or rates == '') and wanted == '' then return price end
  rates = rates and rates ~= '' and cjson.decode(rates) or { { ORDINARY, '', 100 } }
  local names_rates = rates[1][2] ~= ''
  local places, others = {}, 0
  for _, one in ipairs(wanted ~= '' and cjson.decode(wanted) or {}) do
    places[one[1]] = one[2]
    others = others + one[2]
  end
  local first = rates[1][1]
  places[first] = (places[first] or 0) + quantity - others
  local lines, unit_price, differs = {}, nil, false
  for _, rate in ipairs(rates) do
    local count = places[rate[1]]
    places[rate[1]] = nil
    if count and count > 0 then
      local each = math.floor((price * rate[3] + 50) / 100)
      lines[#lines + 1] = { rate = rate[1], name = rate[2], quantity = count, unit_price = each }
      differs = differs or unit_price and unit_price ~= each
      unit_price = each
    end
  end
  local unknown = next(places)
  if unknown then return nil, nil, unknown end
  if differs then unit_price = nil end
  return unit_price, names_rates and lines or nil
end
