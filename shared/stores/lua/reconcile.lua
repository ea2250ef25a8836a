-- reconcile.lua: holds each shard against what DynamoDB says of it, and repairs what Redis has wrong.
--
-- The order of reads is the fence. The caller first read epoch and applied from Redis, then the shards from DynamoDB,
-- strongly consistent; a shard is judged only if both are still the same. (`applied` counts commits, it does not name
-- them: a DynamoDB read older than `applied` must never be used.)
--
-- Where DynamoDB's version is applied, every commit is known here, and free must be unsold - held. Where it is not,
-- and no confirm that draws on the shard is under way, the Redis half of a commit is in flight or lost. It is
-- remembered; if a sweep more than a grace period later sees the same, no request can bring it any more, and
-- DynamoDB's numbers are adopted.
--
-- KEYS[1] state
-- ARGV[1] epoch seen before
-- ARGV[2] shards: JSON array of [applied seen before, DynamoDB's version, DynamoDB's unsold], one a shard in their order
-- ARGV[3] grace, ms
--
-- RECONCILED     shards repaired; seats that Redis had too many, seats that it had too few; shards that wait
-- EPOCH_CHANGED  the state is another one, or none; nothing is changed

local state = KEYS[1]
local epoch, shards, grace_ms = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])

if epoch_of(state) ~= epoch then
  return { 'EPOCH_CHANGED' }
end

local now = now_ms()
local repaired, too_many, too_few_seats, waiting = 0, 0, 0, 0

-- Whether this very difference has been there for longer than the grace.
local function is_old(shard, difference)
  local field = 'differs:' .. shard
  local seen, since = string.match(redis.call('HGET', state, field) or '', '^(.*) since (%d+)$')
  if seen == difference then
    return now - tonumber(since) > grace_ms
  end
  redis.call('HSET', state, field, difference .. ' since ' .. string.format('%d', now))
  return false
end

local function set_free(shard, unsold)
  local excess = number_of(state, 'free:' .. shard) - (unsold - number_of(state, 'held:' .. shard))
  if excess ~= 0 then
    add_free(state, { { shard, excess } }, -1)
    repaired = repaired + 1
    too_many = too_many + math.max(excess, 0)
    too_few_seats = too_few_seats + math.max(-excess, 0)
  end
end

for i, seen in ipairs(shards) do
  local shard, applied, version, unsold = i - 1, seen[1], seen[2], seen[3]
  if number_of(state, 'applied:' .. shard) == applied then
    if version == applied then
      redis.call('HDEL', state, 'differs:' .. shard)
      set_free(shard, unsold)
    elseif number_of(state, 'confirming:' .. shard) > 0 then
      waiting = waiting + 1
    elseif is_old(shard, version .. ' over ' .. applied) then
      redis.call('HDEL', state, 'differs:' .. shard)
      redis.call('HSET', state, 'applied:' .. shard, version)
      set_free(shard, unsold)
    else
      waiting = waiting + 1
    end
  end
end
-- A raised capacity may have brought shards that nobody told Redis of.
if #shards > number_of(state, 'shards') then
  redis.call('HSET', state, 'shards', #shards)
end
return { 'RECONCILED', repaired, too_many, too_few_seats, waiting }
