/** The scripts of the stream transport. A stream has one consumer group; what is acknowledged is deleted. */

export const missingLua = `
-- Which entries are not in the stream any more.
-- KEYS[1]  the stream     ARGV  entry ids
-- Returns the ids that are gone. Writes nothing. O(n) in the ids, and in the bytes of the entries that are there.
local gone = {}
for _, id in ipairs(ARGV) do
  if #redis.call('XRANGE', KEYS[1], id, id) == 0 then gone[#gone + 1] = id end
end
return gone
`;

export const doneLua = `
-- Acknowledges and deletes entries, both or neither.
-- KEYS[1]  the stream     ARGV[1]  the group     ARGV[2..]  entry ids
-- Returns how many were deleted. O(n) in the ids.
local group = ARGV[1]
local ids = {}
for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('XACK', KEYS[1], group, unpack(ids))
return redis.call('XDEL', KEYS[1], unpack(ids))
`;

export const tidyLua = `
-- Removes what nobody will ask for again: consumers that hold nothing and were not seen for long, and entries behind the group
-- that no consumer holds (an acknowledgement whose deletion was lost with a snapshot).
-- KEYS[1]  the stream     ARGV[1]  the group     ARGV[2]  ms since a consumer was last seen
-- Returns {consumers removed, entries removed}. O(consumers + entries removed).
local group = ARGV[1]
local idle_ms = tonumber(ARGV[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0} end
local function field(list, name)
  for i = 1, #list, 2 do if list[i] == name then return list[i + 1] end end
end
local delivered
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  if field(info, 'name') == group then delivered = field(info, 'last-delivered-id') end
end
if not delivered then return {0, 0} end
local removed = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
  if field(info, 'pending') == 0 and field(info, 'idle') > idle_ms then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, field(info, 'name'))
    removed = removed + 1
  end
end
local oldest = redis.call('XPENDING', KEYS[1], group)[2] or delivered
return {removed, redis.call('XTRIM', KEYS[1], 'MINID', oldest)}
`;
