export const proposeLua = `
-- Proposes the number of a block: the next one, raised above a floor that SQL knows to be taken. Never lowers the counter,
-- so that running late, twice or with an old floor only skips numbers.
-- KEYS[1]  counter: the last number proposed. No TTL: one key per sequence, and losing it is harmless
-- ARGV[1]  floor, an integer >= 0
-- Returns {number}. Complexity O(1).
local floor = tonumber(ARGV[1])
local counter = tonumber(redis.call('GET', KEYS[1]) or '0')
if counter == nil then return redis.error_reply('ERR the counter ' .. KEYS[1] .. ' is not a number') end
if counter < floor then redis.call('SET', KEYS[1], string.format('%.0f', floor)) end
return {redis.call('INCR', KEYS[1])}
`;
