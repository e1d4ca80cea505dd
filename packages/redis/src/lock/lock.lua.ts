/** All of them are O(1). */
export const acquireLua = `
-- Takes a lock that nobody holds, and gives a token greater than every one before.
-- KEYS[1]  the lock: its holder's name, until the lease ends
-- KEYS[2]  the last token; outlives the lock, same hash tag
-- ARGV[1]  the holder's name     ARGV[2]  lease, ms     ARGV[3]  how long the last token is kept, ms
-- Returns {1, token as a string} when taken, {0, ms left of the other's lease} when not; then it writes nothing.
local holder = ARGV[1]
local lease_ms = tonumber(ARGV[2])
local keep_ms = tonumber(ARGV[3])
local left_ms = redis.call('PTTL', KEYS[1])
if left_ms ~= -2 then return {0, left_ms} end
-- The clock in microseconds carries the order over a Redis that lost the last token; the last token, over a clock set back.
local time = redis.call('TIME')
local token = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if token <= last then token = last + 1 end
local text = string.format('%.0f', token)
redis.call('SET', KEYS[1], holder, 'PX', lease_ms)
redis.call('SET', KEYS[2], text, 'PX', keep_ms)
return {1, text}
`;

export const renewLua = `
-- Makes the lease last from now, if this holder still has it.
-- KEYS[1]  the lock     ARGV[1]  the holder's name     ARGV[2]  lease, ms
-- Returns 1, or 0 when somebody else or nobody holds it; then it writes nothing.
local lease_ms = tonumber(ARGV[2])
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], lease_ms)
return 1
`;

export const releaseLua = `
-- Gives the lock back, if this holder still has it. A late release can not free another's lock.
-- KEYS[1]  the lock     ARGV[1]  the holder's name
-- Returns 1, or 0 when somebody else or nobody holds it; then it writes nothing.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
