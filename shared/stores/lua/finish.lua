-- finish.lua: a commit is done in DynamoDB; its hold goes, and Redis learns that the shards changed.
-- If the hold is gone, somebody finished before: nothing to do.
--
-- KEYS[1] state
-- KEYS[2] deadlines
-- KEYS[3] holds
-- ARGV[1] reservation id
-- ARGV[2] draws that were committed: JSON array of draws; empty for those of the hold, where nobody else
--         could have changed them (a withdrawal)
-- ARGV[3] until when what was committed is pending, ms; 0 if it is final
--
-- FINISHED   the hold is gone, each drawn shard's applied is 1 more
-- GONE       there was no hold
-- RETURNED   the hold had other draws than those committed: its seats are free again, and what was committed
--            is left to the janitor, who sees that DynamoDB's versions are ahead

local state, deadlines, holds = KEYS[1], KEYS[2], KEYS[3]
local id, committed, pending_until = ARGV[1], ARGV[2], tonumber(ARGV[3] or 0)

local found = is_loaded(state) and redis.call('HGET', holds, id)
if not found then return { 'GONE' } end
local hold = cjson.decode(found)
remove_hold(deadlines, holds, id)
if pending_until > 0 then count_pending(state, hold.quantity, pending_until) end
if committed ~= '' and not same_draws(hold.draws, cjson.decode(committed)) then
  give_back(state, hold)
  add_to_user(state, 'bought', hold.user, hold.quantity)
  return { 'RETURNED' }
end
sell(state, hold)
add_to_user(state, 'bought', hold.user, hold.quantity)
return { 'FINISHED' }
