-- list.lua: the list of upcoming published events, and what changed that it may not have yet. If there is none, or an
-- old one, tells one caller to read DynamoDB, and the others to wait for what it finds.
--
-- KEYS[1] catalogue
-- KEYS[2] changes
-- KEYS[3] generation
-- KEYS[4] turn
-- ARGV[1] time before its end at which a list is read anew, ms
-- ARGV[2] how long a turn lasts at most, ms
-- ARGV[3] the list that the caller has, as an answer before named it; empty for none
--
-- LISTED  the list's JSON, empty if the caller has it; the changes, each as change.lua keeps it; the generation; how long
--         it may be used, ms; the list's name
-- AGEING  the same; it is the caller's turn to read the list
-- READ    it is the caller's turn to read the list
-- WAIT    somebody else reads it

local catalogue, changes, generation, turn = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ageing_ms, turn_ms, known = tonumber(ARGV[1]), ARGV[2], ARGV[3]

local current, left_ms = redis.call('GET', generation), redis.call('PTTL', catalogue)
local usable = current and left_ms ~= -2
local is_our_turn = (not usable or left_ms <= ageing_ms) and redis.call('SET', turn, 'taken', 'NX', 'PX', turn_ms)
if usable then
  -- No two lists end in the same millisecond: one is read at a time. An edit need not send thousands of events to every
  -- process.
  local name = string.format('%d %d', redis.call('PEXPIRETIME', catalogue), redis.call('STRLEN', catalogue))
  local list = name == known and '' or redis.call('GET', catalogue)
  return { is_our_turn and 'AGEING' or 'LISTED', list, redis.call('HVALS', changes), current, left_ms, name }
end
if is_our_turn then return { 'READ' } end
return { 'WAIT' }
