-- keep_ended_tokens.lua: puts the notes of ended tokens that DynamoDB has beside those that are here, and marks that all
-- are.
--
-- The mark is a member of the set like the notes, so that both are lost together: `all`, by until when it counts. Releases
-- from before there was one pass over a member without a space.
--
-- KEYS[1] ended
-- ARGV[1] JSON, a list of pairs: user id, space, version, as end_tokens.lua has it; until when the note matters, ms
-- ARGV[2] how long the mark counts, ms
-- ARGV[3] how long a note matters at most, ms
--
-- KEPT

local ended = KEYS[1]
local notes, mark_ms, note_ms = cjson.decode(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local now = now_ms()

redis.call('ZREMRANGEBYSCORE', ended, '-inf', now)
for _, note in ipairs(notes) do redis.call('ZADD', ended, note[2], note[1]) end
redis.call('ZADD', ended, now + mark_ms, 'all')
redis.call('PEXPIRE', ended, note_ms)
return { 'KEPT' }
