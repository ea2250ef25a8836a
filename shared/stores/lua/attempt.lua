-- attempt.lua: lets somebody try a password, unless too many were wrong lately. The attempt counts as failed until
-- signed_in.lua takes that back, so that attempts at the same time do not slip through.
--
-- A counter is a hash: failures, and until, the time before which nothing is tried, ms since the Unix epoch.
--
-- KEYS[1] pair: counter of the account from this network
-- KEYS[2] address: counter of the network, over all accounts
-- KEYS[3] account: counter of the account, over all networks that it never signed in from
-- KEYS[4] known: networks that the account signed in from, and when it last did, ms
-- KEYS[5] wide: counter of the wider network that the network is part of, over all accounts that never signed in from it
-- ARGV[1] the network
-- ARGV[2] JSON {pair, address, account, wide (absent if there is none)}, each {free, delay_ms, delay_ms_max, memory_ms}:
--         failures before the first delay, the first delay, which doubles with each failure, the longest delay, and how
--         long it is remembered
-- ARGV[3] how long a network is known, ms
--
-- ALLOWED   the password may be tried
-- TOO_MANY  ms to wait

local pair, address, account, known, wide = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local network, rules, known_ms = ARGV[1], cjson.decode(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

local function fail(counter, rule)
  local failures = redis.pcall('HINCRBY', counter, 'failures', 1)
  if type(failures) == 'table' then
    -- What can't be read counts anew.
    redis.call('HSET', counter, 'failures', 1)
    failures = 1
  end
  if failures >= rule.free then
    local delay_ms = math.min(rule.delay_ms_max, rule.delay_ms * 2 ^ (failures - rule.free))
    redis.call('HSET', counter, 'until', now + delay_ms)
  end
  redis.call('PEXPIRE', counter, rule.memory_ms)
end

local seen_at = redis.call('ZSCORE', known, network)
local is_known = seen_at and tonumber(seen_at) > now - known_ms
local until_ms = math.max(number_of(pair, 'until') or 0, number_of(address, 'until') or 0)
if not is_known then
  until_ms = math.max(until_ms, number_of(account, 'until') or 0)
  if rules.wide then until_ms = math.max(until_ms, number_of(wide, 'until') or 0) end
end
if until_ms > now then return { 'TOO_MANY', until_ms - now } end

fail(pair, rules.pair)
fail(address, rules.address)
if not is_known then
  fail(account, rules.account)
  if rules.wide then fail(wide, rules.wide) end
end
return { 'ALLOWED' }
