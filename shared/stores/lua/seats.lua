-- seats.lua: which seats of a numbered area are free. Changes nothing.
--
-- KEYS[1] state
--
-- SEATS       the event's status; its numbered areas, JSON {id: number}; the version of its layout; another number after each change of
--             what is free; the names of the rows, best first; of each row its seats, a 1 for a free one and a 0 for each other
-- GENERAL     the first three: the area has no seats with names; nil for what the event does not have
-- NOT_LOADED  there is no state

local state = KEYS[1]
-- Lua can pass on some 8,000 values at once.
local AT_ONCE = 2000

local epoch, kind, shards, version, status, numbered, layout = unpack(redis.call(
  'HMGET', state, 'epoch', 'kind', 'shards', 'seats_version', 'status', 'numbered', 'layout'))
if not epoch then return { 'NOT_LOADED' } end
if not kind then return { 'GENERAL', status, numbered, layout } end
local names, rows = {}, {}
for first = 0, tonumber(shards) - 1, AT_ONCE do
  local fields = {}
  for shard = first, math.min(first + AT_ONCE, tonumber(shards)) - 1 do
    fields[#fields + 1] = 'row_name:' .. shard
    fields[#fields + 1] = 'row:' .. shard
  end
  local found = redis.call('HMGET', state, unpack(fields))
  for i = 1, #found, 2 do
    names[#names + 1] = found[i] or ''
    rows[#rows + 1] = string.gsub(found[i + 1] or '', '[^1]', '0')
  end
end
return { 'SEATS', status, numbered, layout, version, names, rows }
