import { refuseLateLua } from '../write-deadline.ts';

/**
 * What stands under a key, version 1 (also in the key): `1V`, 16 characters of a version that is new with every write, the text; or `1E`:
 * it has ended.
 */
export const writeLua = `
-- Writes a session, if it is still what its writer read, and has not ended.
-- KEYS[1]  the session
-- ARGV[1]  not after, ms of the server's clock     ARGV[2]  what it replaces: "new", "any" or a version
-- ARGV[3]  the new version     ARGV[4]  the text     ARGV[5]  its life, ms
-- Returns  "written", "conflict", "ended", "late"
-- Writes   the session (SET with PX) when "written"
-- Cost     O(length of the text)
${refuseLateLua}
local replaces, life_ms = ARGV[2], tonumber(ARGV[5])
local head = redis.call('GETRANGE', KEYS[1], 0, 17)
local kind = string.sub(head, 1, 2)
if kind == '1E' then return 'ended' end
if head ~= '' and kind ~= '1V' then return redis.error_reply('ERR the key holds something else than a session') end
if replaces == 'new' then
  if head ~= '' then return 'conflict' end
elseif replaces ~= 'any' then
  if head == '' then return 'ended' end
  if string.sub(head, 3) ~= replaces then return 'conflict' end
end
redis.call('SET', KEYS[1], '1V' .. ARGV[3] .. ARGV[4], 'PX', life_ms)
return 'written'
`;

export const touchLua = `
-- Makes a session last from now.
-- KEYS[1]  the session     ARGV[1]  not after, ms of the server's clock     ARGV[2]  its life, ms
-- Returns  "prolonged", "ended", "late"
-- Writes   its time to live when "prolonged"
-- Cost     O(1)
${refuseLateLua}
local life_ms = tonumber(ARGV[2])
if redis.call('GETRANGE', KEYS[1], 0, 1) ~= '1V' then return 'ended' end
redis.call('PEXPIRE', KEYS[1], life_ms)
return 'prolonged'
`;

export const endLua = `
-- Ends a session, also one that somebody is about to write. Harmless when late.
-- KEYS[1]  the session     ARGV[1]  how long that is remembered, ms
-- Returns  "ended"
-- Writes   the mark (SET with PX)
-- Cost     O(1)
redis.call('SET', KEYS[1], '1E', 'PX', tonumber(ARGV[1]))
return 'ended'
`;
