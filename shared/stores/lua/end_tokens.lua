-- end_tokens.lua: a user's password was changed: all tokens that were got with older ones end.
--
-- KEYS[1] ended
-- ARGV[1] user id
-- ARGV[2] the lowest version of the password that is still good
-- ARGV[3] how long such a note matters, ms: after that there is no older token
--
-- ENDED

local ended = KEYS[1]
local user, version, note_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = now_ms()

redis.call('ZREMRANGEBYSCORE', ended, '-inf', now)
redis.call('ZADD', ended, now + note_ms, user .. ' ' .. version)
redis.call('PEXPIRE', ended, note_ms)
return { 'ENDED' }
