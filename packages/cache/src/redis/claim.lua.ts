export const claimLua = `
-- Leaves a fill token under a key that holds nothing, or answers what it holds meanwhile.
-- KEYS[1]  the entry
-- ARGV[1]  the claim, as an entry     ARGV[2]  its life in ms
-- Returns  {the entry as it stands now, seconds and microseconds of the server's clock}
-- Writes   the claim (SET with PX), where there is nothing, or nothing of this format
-- Cost     O(length of the entry)
local time = redis.call('TIME')
local present = redis.call('GET', KEYS[1])
if present and string.find(present, '^1[TDNVnv]') and string.len(present) >= string.len(ARGV[1]) then
  return {present, time[1], time[2]}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', tonumber(ARGV[2]))
return {ARGV[1], time[1], time[2]}
`;
