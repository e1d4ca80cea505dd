import { refuseLateLua } from '../write-deadline.ts';

/** What stands under a key, version 1 (also in the key): a hash of `salt`, `digest` and `left`, the attempts that may still be made. */
export const putLua = `
-- Puts a code in place of the subject's last one.
-- KEYS[1]  the code
-- ARGV[1]  not after, ms of the server's clock     ARGV[2]  salt     ARGV[3]  digest     ARGV[4]  attempts     ARGV[5]  its life, ms
-- Returns  "put", "late"
-- Writes   the hash and its time to live when "put"
-- Cost     O(1)
${refuseLateLua}
local attempts, life_ms = tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'salt', ARGV[2], 'digest', ARGV[3], 'left', attempts)
redis.call('PEXPIRE', KEYS[1], life_ms)
return 'put'
`;

export const attemptLua = `
-- Counts one attempt at a code, and tells what to compare with. Harmless when late: it only counts.
-- KEYS[1]  the code
-- Returns  {salt, digest, attempts left after this one}; {"exhausted"}; {"none"}
-- Writes   the attempts left, when there were any
-- Cost     O(1)
local code = redis.call('HMGET', KEYS[1], 'salt', 'digest', 'left')
if not code[1] then return {'none'} end
if tonumber(code[3]) < 1 then return {'exhausted'} end
return {code[1], code[2], redis.call('HINCRBY', KEYS[1], 'left', -1)}
`;

export const consumeLua = `
-- Takes a code away, if it is still this one. Harmless when late: its salt is of one code only.
-- KEYS[1]  the code     ARGV[1]  its salt
-- Returns  1 taken away, 0 it was not there any more
-- Writes   nothing, but takes the key away
-- Cost     O(1)
if redis.call('HGET', KEYS[1], 'salt') ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
`;
