-- undo.lua: takes a reservation back that its user was not told of, as if it had never been asked for: its seats are free,
-- and the idempotency key may be used again. If the request came a second time meanwhile, the user may have been told, and
-- the reservation stays until it runs out.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- KEYS[4] idempotency: the record of this user's idempotency key
-- ARGV[1] reservation id
--
-- UNDONE  the seats are free
-- STAYS   there is no such hold any more, or its user may have been told of it

local state, deadlines, holds, idempotency = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id = ARGV[1]

local answered, found = redis.call('GET', idempotency), is_loaded(state) and redis.call('HGET', holds, id)
if not answered or not found then return { 'STAYS' } end
local answer, hold = cjson.decode(answered), cjson.decode(found)
if answer.id ~= id or answer.replayed or hold.state ~= 'held' then return { 'STAYS' } end
give_back(state, hold)
remove_hold(deadlines, holds, id)
redis.call('DEL', idempotency)
return { 'UNDONE' }
