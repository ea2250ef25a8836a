-- refresh.lua: brings the facts of a loaded event up to date, unless newer ones are there. Seats are not touched.
--
-- KEYS[1] state
-- ARGV[1] facts: JSON object of strings, see lib/state.lua; its number of shards does not count
--
-- REFRESHED   the facts are the new ones
-- UP_TO_DATE  the same or newer facts were there
-- NOT_LOADED  there is no state to bring up to date

local state = KEYS[1]
local facts = cjson.decode(ARGV[1])

if not is_loaded(state) then
  return { 'NOT_LOADED' }
end
local fields = {}
for field in pairs(facts) do
  fields[#fields + 1] = field
end
-- A release before this one may have made the state, with fewer facts.
local kept, lacks_some = redis.call('HMGET', state, unpack(fields)), false
for _, value in ipairs(kept) do
  lacks_some = lacks_some or not value
end
local version, newer = number_of(state, 'version') or 0, tonumber(facts.version)
if version > newer or version == newer and not lacks_some then
  return { 'UP_TO_DATE' }
end
-- New shards come with their seats (restock.lua), not with the facts.
facts.shards = nil
for field, value in pairs(facts) do
  redis.call('HSET', state, field, value)
end
return { 'REFRESHED' }
