/**
 * The lease stands in a key of its own beside the entry, in the same slot: the 16 characters of its token, 13 digits of the moment
 * it ends in ms of the server's clock, and a `w` once somebody waits. It counts only while the entry has that token.
 */
export const takeLeaseLua = `
-- Takes the lease on the load of a key, unless somebody has it. The entry gets a new token, so that earlier holders fill no more.
-- KEYS[1]  the entry     KEYS[2]  the lease
-- ARGV[1]  the token of the entry as it was seen, or "" where there was nothing     ARGV[2]  the new token
-- ARGV[3]  the life of a claim in ms     ARGV[4]  the lease in ms
-- Returns  {'leased' | 'loading' | 'moved', the token, or of 'moved' the entry, ms left, seconds and microseconds of the server's clock}
-- Writes   the entry (SET with PX or KEEPTTL) and the lease (SET with PX); or the mark of a waiter (SET with KEEPTTL); or nothing
-- Cost     O(length of the entry)
local claim_ms, lease_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local present = redis.call('GET', KEYS[1])
local kind, token = '', ''
if present and string.find(present, '^1[TDNVnv]') and string.len(present) >= 18 then
  kind, token = string.sub(present, 2, 2), string.sub(present, 3, 18)
end
if kind ~= '' and kind ~= 'T' and token ~= ARGV[1] then return {'moved', present, 0, time[1], time[2]} end
local lease = redis.call('GET', KEYS[2])
if lease and kind ~= '' and string.sub(lease, 1, 16) == token then
  local left_ms = tonumber(string.sub(lease, 17, 29)) - now_ms
  if left_ms > 0 then
    if string.len(lease) == 29 then redis.call('SET', KEYS[2], lease .. 'w', 'KEEPTTL') end
    return {'loading', token, left_ms, time[1], time[2]}
  end
end
if kind == '' or kind == 'T' then
  redis.call('SET', KEYS[1], '1T' .. ARGV[2], 'PX', claim_ms)
else
  redis.call('SET', KEYS[1], '1' .. kind .. ARGV[2] .. string.sub(present, 19), 'KEEPTTL')
end
redis.call('SET', KEYS[2], ARGV[2] .. string.format('%013.0f', now_ms + lease_ms), 'PX', lease_ms)
return {'leased', ARGV[2], lease_ms, time[1], time[2]}
`;

export const renewLeaseLua = `
-- Makes a lease last from now.
-- KEYS[1]  the entry     KEYS[2]  the lease
-- ARGV[1]  the token     ARGV[2]  the lease in ms
-- Returns  1 renewed, 0 it is over
-- Writes   the lease (SET with PX), or nothing
-- Cost     O(1)
local lease_ms = tonumber(ARGV[2])
local lease = redis.call('GET', KEYS[2])
if not lease or string.sub(lease, 1, 16) ~= ARGV[1] then return 0 end
if redis.call('GETRANGE', KEYS[1], 2, 17) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local ends_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + lease_ms
redis.call('SET', KEYS[2], ARGV[1] .. string.format('%013.0f', ends_ms) .. string.sub(lease, 30), 'PX', lease_ms)
return 1
`;

export const releaseLeaseLua = `
-- Ends a lease, if it is still the one of this token.
-- KEYS[1]  the lease
-- ARGV[1]  the token
-- Returns  0 it was over, 1 nobody waits, 2 somebody does
-- Writes   takes the lease away (UNLINK), or nothing
-- Cost     O(1)
local lease = redis.call('GET', KEYS[1])
if not lease or string.sub(lease, 1, 16) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
if string.len(lease) > 29 then return 2 end
return 1
`;
