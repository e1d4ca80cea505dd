export const fillLua = `
-- Puts a loaded value under a key, if the key still holds what its loader saw before the load.
-- KEYS[1]  the entry
-- ARGV[1]  the token: the 16 characters of its id     ARGV[2]  the new entry     ARGV[3]  its life in ms
-- Returns  1 filled, 0 refused
-- Writes   the entry (SET with PX), or nothing
-- Cost     O(length of the new entry)
if redis.call('GETRANGE', KEYS[1], 2, 17) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;
