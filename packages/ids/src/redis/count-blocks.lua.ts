export const countBlocksLua = `
-- The next block of a sequence that lives in Redis alone. Run late, it burns a block.
-- KEYS[1]  hash: number (the last block given out), size (ids per block, fixed by the first call). No TTL: it is the truth
-- ARGV[1]  size asked for, an integer >= 1
-- Returns {number, size}; writes nothing when the size is not the fixed one. Complexity O(1).
local asked = tonumber(ARGV[1])
local fixed = tonumber(redis.call('HGET', KEYS[1], 'size') or '')
if fixed == nil then
  redis.call('HSET', KEYS[1], 'size', string.format('%.0f', asked))
  fixed = asked
end
if fixed ~= asked then return {0, fixed} end
return {redis.call('HINCRBY', KEYS[1], 'number', 1), fixed}
`;
