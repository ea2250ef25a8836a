-- signed_in.lua: the password was right, or was never looked at because something of ours failed. The attempt does not
-- count as failed any more; and after a right password the network is known.
--
-- The other failures of the network and of the account stay: whoever has an account could clear them otherwise.
--
-- KEYS[1] pair
-- KEYS[2] address
-- KEYS[3] account
-- KEYS[4] known
-- KEYS[5] wide
-- ARGV[1] the network
-- ARGV[2] how long a network is known, ms
-- ARGV[3] how many networks are known at most
-- ARGV[4] 1 if the password was right
--
-- NOTED

local pair, address, account, known, wide = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local network, known_ms, known_max, is_right = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local now = now_ms()

-- A delay that is under way began with this very attempt: nobody else's was allowed since.
local function take_back(counter)
  -- What can't be read is none.
  if (number_of(counter, 'failures') or 0) > 0 then
    redis.call('HINCRBY', counter, 'failures', -1)
    redis.call('HDEL', counter, 'until')
  end
end

local seen_at = redis.call('ZSCORE', known, network)
take_back(pair)
take_back(address)
if not (seen_at and tonumber(seen_at) > now - known_ms) then
  take_back(account)
  take_back(wide)
end
if is_right ~= '1' then return { 'NOTED' } end
redis.call('DEL', pair)
redis.call('ZADD', known, now, network)
redis.call('ZREMRANGEBYSCORE', known, '-inf', now - known_ms)
redis.call('ZREMRANGEBYRANK', known, 0, -known_max - 1)
redis.call('PEXPIRE', known, known_ms)
return { 'NOTED' }
