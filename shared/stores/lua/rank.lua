-- rank.lua: ranks all events anew, as their tickets were counted in DynamoDB; and ends the turn of whoever counted.
--
-- KEYS[1] popular
-- KEYS[2] sales
-- KEYS[3] turn
-- ARGV[1] the sales generation before the tickets were counted
-- ARGV[2] JSON array of [event id, rank as a string]
-- ARGV[3] 1 to rank them even if something was sold meanwhile
--
-- RANKED          these are the ranks now
-- SOLD_MEANWHILE  tickets were sold since they were counted; nothing is changed

local popular, sales, turn = KEYS[1], KEYS[2], KEYS[3]
local before, ranks, anyway = ARGV[1], cjson.decode(ARGV[2]), ARGV[3]

if anyway ~= '1' and (redis.call('GET', sales) or '0') ~= before then
  return { 'SOLD_MEANWHILE' }
end
redis.call('DEL', popular, turn)
for _, pair in ipairs(ranks) do
  redis.call('ZADD', popular, pair[2], pair[1])
end
return { 'RANKED' }
