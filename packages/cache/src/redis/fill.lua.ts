export const fillLua = `
-- Puts a loaded value under a key, if the key still holds what its loader saw before the load. A negative entry in place of a
-- deletion keeps the knowledge of it, and its life: older copies elsewhere must not be served when the entry is not fresh any more.
-- KEYS[1]  the entry
-- ARGV[1]  the token: the 16 characters of its id     ARGV[2]  the new entry     ARGV[3]  its life in ms
-- Returns  1 filled, 0 refused
-- Writes   the entry (SET with PX or KEEPTTL), or nothing
-- Cost     O(length of the new entry)
local present = redis.call('GETRANGE', KEYS[1], 0, 36)
if string.sub(present, 3, 18) ~= ARGV[1] then return 0 end
if string.find(ARGV[2], '^1[Nn]') then
  if string.find(present, '^1D') or (string.find(present, '^1[Nn]') and string.sub(present, 37) == 'D') then
    redis.call('SET', KEYS[1], string.sub(ARGV[2], 1, 36) .. 'D' .. string.sub(ARGV[2], 38), 'KEEPTTL')
    return 1
  end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;
