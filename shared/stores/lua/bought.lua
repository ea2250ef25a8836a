-- bought.lua: DynamoDB said how many seats a user has bought of an event; Redis takes that, unless it learned of another
-- purchase or cancel meanwhile.
--
-- KEYS[1] state
-- ARGV[1] user id
-- ARGV[2] seats bought, as Redis knew it before DynamoDB was asked
-- ARGV[3] seats bought, as DynamoDB said
--
-- LEARNED  Redis knows it now
-- CHANGED  it is another number by now, or there is no state; nothing is changed

local state = KEYS[1]
local user, before, bought = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if not is_loaded(state) or number_of(state, 'bought:' .. user) ~= before then
  return { 'CHANGED' }
end
add_to_user(state, 'bought', user, bought - before)
return { 'LEARNED' }
