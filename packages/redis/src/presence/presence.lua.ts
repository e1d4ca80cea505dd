export const beatLua = `
-- Says that an instance lives, forgets those that were silent too long, and counts the living. O(log n + the forgotten).
-- KEYS[1]  sorted set: instance -> last beat, ms on the server's clock
-- ARGV[1]  the instance     ARGV[2]  ms of silence after which one is gone
-- Returns how many live. Writes always.
local silent_ms = tonumber(ARGV[2])
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now_ms - silent_ms))
-- A clock that was set back must not keep the dead: what claims to come from the future is forgotten too.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now_ms + silent_ms), '+inf')
redis.call('PEXPIRE', KEYS[1], silent_ms)
return redis.call('ZCARD', KEYS[1])
`;
