-- sold.lua: tickets of an event were sold, or came back; it becomes more popular, or less.
--
-- An event's rank is its tickets sold, times the rank of one ticket, plus a part below that for its start: of events
-- with the same sales the one that starts earlier comes first.
--
-- KEYS[1] popular
-- KEYS[2] sales
-- ARGV[1] event id
-- ARGV[2] rank of the tickets; below zero if they came back
--
-- COUNTED  the rank is another one, if the event has one; and so is the sales generation

local popular, sales = KEYS[1], KEYS[2]
local id, rank = ARGV[1], ARGV[2]

if redis.call('ZSCORE', popular, id) then
  redis.call('ZINCRBY', popular, rank, id)
end
redis.call('INCR', sales)
return { 'COUNTED' }
