-- add_rows.lua: a numbered area got more rows in DynamoDB; Redis follows. Those that it has already stay as they are.
--
-- KEYS[1] state
-- ARGV[1] epoch seen before the change was committed, or before the rows were read
-- ARGV[2] rows that the area had before
-- ARGV[3] inventory of the new ones: JSON array of [free, version, seats], as load.lua has it
-- ARGV[4] the new ones: JSON array of [name, labels, accessible], likewise
--
-- ADDED          the rows are there, now or since an earlier call
-- EPOCH_CHANGED  the state is another one, or none, or it lacks rows before these: left to the janitor

local state = KEYS[1]
local epoch, first = ARGV[1], tonumber(ARGV[2])
local inventory, layout = cjson.decode(ARGV[3]), cjson.decode(ARGV[4])

local has = number_of(state, 'shards')
if epoch_of(state) ~= epoch or has < first then return { 'EPOCH_CHANGED' } end
for _ = first + 1, math.min(has, first + #layout) do
  table.remove(inventory, 1)
  table.remove(layout, 1)
end
if #layout > 0 then rows().add_rows(state, has, inventory, layout) end
return { 'ADDED' }
