-- missing.lua: DynamoDB has no such event; those who ask in the next moment need not look, too. Ends the turn of whoever
-- looked.
--
-- KEYS[1] copy
-- KEYS[2] turn
-- ARGV[1] how long it counts as missing, ms
--
-- NOTED  show.lua knows it now
-- KEPT   somebody made the event meanwhile; nothing is changed

local copy, turn = KEYS[1], KEYS[2]
local ttl_ms = ARGV[1]

redis.call('DEL', turn)
if redis.call('EXISTS', copy) == 1 then return { 'KEPT' } end
redis.call('HSET', copy, 'missing', 1)
redis.call('PEXPIRE', copy, ttl_ms)
return { 'NOTED' }
