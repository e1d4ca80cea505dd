export const touchLua = `
-- Lets a value be fresh for longer, if the key still holds what its caller saw. Its token stays: a load under way may replace it.
-- KEYS[1]  the entry
-- ARGV[1]  the token: the 16 characters of its id     ARGV[2]  fresh until, as in the entry     ARGV[3]  its life in ms
-- Returns  1 fresh until then or longer, 0 refused
-- Writes   the entry (SET with PX), or nothing where it is fresh for longer
-- Cost     O(length of the entry)
local head = redis.call('GETRANGE', KEYS[1], 0, 35)
if string.sub(head, 3, 18) ~= ARGV[1] or not string.find(head, '^1[Vv]') then return 0 end
if string.sub(head, 28, 36) >= ARGV[2] then return 1 end
local rest = string.sub(redis.call('GET', KEYS[1]), 37)
redis.call('SET', KEYS[1], string.sub(head, 1, 27) .. ARGV[2] .. rest, 'PX', ARGV[3])
return 1
`;
