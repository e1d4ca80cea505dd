export const invalidateLua = `
-- Takes an entry and its token away. A mark stays where there was something, so that older copies elsewhere are not served; it is
-- no larger than what it replaces. Where there was nothing, nothing is written.
-- KEYS[1]  the entry
-- ARGV[1]  the mark, as an entry     ARGV[2]  its life in ms, 0 for none: then only a mark that is there already stays, renewed
-- Returns  1 taken away, 0 there was nothing
-- Writes   the mark (SET with PX or KEEPTTL), or nothing
-- Cost     O(1); freeing a large value is left to the server's other thread
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if tonumber(ARGV[2]) == 0 then
  local present = redis.call('GETRANGE', KEYS[1], 0, 36)
  -- The mark, or a negative entry that stands in its place.
  if string.find(present, '^1D') or (string.find(present, '^1[Nn]') and string.sub(present, 37) == 'D') then
    -- A server that is out of memory refuses it: then the mark goes, rather than that its token stays.
    if redis.pcall('SET', KEYS[1], ARGV[1], 'KEEPTTL').ok then return 1 end
  end
end
redis.call('UNLINK', KEYS[1])
if tonumber(ARGV[2]) > 0 then
  -- A server that is out of memory refuses the mark; the entry is gone all the same.
  redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
`;
