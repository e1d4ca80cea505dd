/** A record: version 1, `G`, era and version (16 characters each), and its life in ms (9 digits to the base 36). */
export const claimTagLua = `
-- The record of a tag, made where there is none. Each claim makes its life begin again, for the longest that was ever asked for: so it
-- outlives whatever is loaded under it.
-- KEYS[1]  the record
-- ARGV[1]  the record to make     ARGV[2]  its life in ms
-- Returns  the record as it stands now
-- Writes   the record (SET with PX)
-- Cost     O(1)
local present = redis.pcall('GET', KEYS[1])
if type(present) ~= 'string' or string.len(present) ~= 43 or string.sub(present, 1, 2) ~= '1G' then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]
end
local life = math.max(tonumber(string.sub(present, 35, 43), 36) or 0, tonumber(ARGV[2]))
local longer = life == tonumber(ARGV[2])
local kept = string.sub(present, 1, 34) .. string.sub(longer and ARGV[1] or present, 35, 43)
redis.call('SET', KEYS[1], kept, 'PX', string.format('%.0f', life))
return kept
`;

export const expireTagLua = `
-- Gives the record of a tag another version.
-- KEYS[1]  the record
-- ARGV[1]  the version: 16 characters
-- Returns  1 done, 0 there was nothing of the kind
-- Writes   the record (SET with KEEPTTL), or nothing
-- Cost     O(1)
local present = redis.pcall('GET', KEYS[1])
if present == false then return 0 end
if type(present) == 'string' and string.len(present) == 43 and string.sub(present, 1, 2) == '1G' then
  local next = string.sub(present, 1, 18) .. ARGV[1] .. string.sub(present, 35, 43)
  -- A server that is out of memory refuses it: then the record goes, and with it all that is under it.
  if redis.pcall('SET', KEYS[1], next, 'KEEPTTL').ok then return 1 end
end
redis.call('UNLINK', KEYS[1])
return 0
`;
