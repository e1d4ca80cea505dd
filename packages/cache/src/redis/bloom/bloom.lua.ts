/**
 * A filter is three keys of one slot:
 *
 * KEYS[1]  its state, a hash: `cur` (a or b), `spec` and `run` of the complete generation; `next`, `nextSpec`, `nextRun`, `token`, `until`
 *          of the one that is being built
 * KEYS[2]  bitmap a     KEYS[3]  bitmap b
 *
 * Two bits behind those of the filter are set when a generation has begun (the second) and is complete (the first), in the same key as
 * all others: whoever evicts or deletes a bitmap takes them away too, and what `add` leaves there afterwards is not taken for whole. The
 * server's run id is kept with each generation: a server that was started since, or took over, may have come back without the last bits.
 */
const head = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local function bitmap(slot) if slot == 'a' then return KEYS[2] else return KEYS[3] end end
local function set(key, first, last)
  for at = first, last do redis.call('SETBIT', key, ARGV[at], 1) end
end
`;

export const checkLua = `
-- Whether all bits of each key are set.
-- ARGV[1]  spec, "bits:hashes"     ARGV[2]  bits     ARGV[3]  hashes     ARGV[4...]  the bits of each key
-- Returns  {1, a 0 or 1 for each key}; {0} when no complete generation of this spec is whole
-- Writes   nothing
-- Cost     O(keys x hashes), at most 128 keys
${head}
local state = redis.call('HMGET', KEYS[1], 'cur', 'spec', 'run')
if not state[1] or state[2] ~= ARGV[1] or state[3] ~= run then return {0} end
local key, hashes = bitmap(state[1]), tonumber(ARGV[3])
if redis.call('GETBIT', key, ARGV[2]) ~= 1 then return {0} end
local answer = {1}
for first = 4, #ARGV, hashes do
  local found = 1
  for at = first, first + hashes - 1 do
    if redis.call('GETBIT', key, ARGV[at]) == 0 then
      found = 0
      break
    end
  end
  answer[#answer + 1] = found
end
return answer
`;

export const addLua = `
-- Sets bits in the complete generation and in the one that is being built. Harmless when late.
-- ARGV[1]  spec     ARGV[2]  life, ms     ARGV[3...]  bits
-- Returns  how many generations have them now
-- Writes   the bitmaps and their times to live; gives up a generation of another spec
-- Cost     O(bits), at most 128 keys
local function bitmap(slot) if slot == 'a' then return KEYS[2] else return KEYS[3] end end
local state = redis.call('HMGET', KEYS[1], 'cur', 'spec', 'next', 'nextSpec')
local life_ms, count = tonumber(ARGV[2]), 0
if state[1] and state[2] ~= ARGV[1] then
  redis.call('HDEL', KEYS[1], 'cur', 'spec', 'run')
  state[1] = false
end
if state[3] and state[4] ~= ARGV[1] then
  redis.call('HDEL', KEYS[1], 'next', 'nextSpec', 'nextRun', 'token', 'until')
  state[3] = false
end
for _, slot in ipairs({state[1] or '', state[3] or ''}) do
  if slot ~= '' then
    for at = 3, #ARGV do redis.call('SETBIT', bitmap(slot), ARGV[at], 1) end
    redis.call('PEXPIRE', bitmap(slot), life_ms)
    count = count + 1
  end
end
if count > 0 then redis.call('PEXPIRE', KEYS[1], life_ms) end
return count
`;

export const beginLua = `
-- Begins a generation beside the complete one, unless another one is being built.
-- ARGV[1]  spec     ARGV[2]  bits     ARGV[3]  token     ARGV[4]  lease, ms     ARGV[5]  life, ms
-- Returns  1 begun, 0 busy
-- Writes   an empty bitmap of the whole size, and the state
-- Cost     O(bits / 8) once, to clear the memory
${head}
local time = redis.call('TIME')
local now_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local lease_ms, life_ms, bits = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'cur', 'until', 'next', 'nextRun', 'nextSpec')
if state[2] and tonumber(state[2]) > now_ms and state[4] == run then
  -- One that is not whole any more is nobody's.
  local its_bits = tonumber(string.match(state[5], '^%d+'))
  if redis.call('GETBIT', bitmap(state[3]), its_bits + 1) == 1 then return 0 end
end
local slot = 'a'
if state[1] == 'a' then slot = 'b' end
redis.call('UNLINK', bitmap(slot))
redis.call('SETBIT', bitmap(slot), bits + 1, 1)
redis.call('PEXPIRE', bitmap(slot), life_ms)
redis.call('HSET', KEYS[1], 'next', slot, 'nextSpec', ARGV[1], 'nextRun', run, 'token', ARGV[3],
  'until', string.format('%.0f', now_ms + lease_ms))
redis.call('PEXPIRE', KEYS[1], life_ms)
return 1
`;

export const fillLua = `
-- Sets bits in the generation of this token, if it is whole.
-- ARGV[1]  token     ARGV[2]  bits of the filter     ARGV[3]  lease, ms     ARGV[4]  life, ms     ARGV[5...]  bits
-- Returns  1 filled, 0 lost
-- Writes   the bitmap, its time to live, and the lease
-- Cost     O(bits), at most 128 keys
${head}
local lease_ms, life_ms = tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'next', 'token', 'nextRun')
if state[2] ~= ARGV[1] or state[3] ~= run then return 0 end
local key = bitmap(state[1])
if redis.call('GETBIT', key, tonumber(ARGV[2]) + 1) ~= 1 then return 0 end
set(key, 5, #ARGV)
redis.call('PEXPIRE', key, life_ms)
local time = redis.call('TIME')
local until_ms = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + lease_ms
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', until_ms))
redis.call('PEXPIRE', KEYS[1], life_ms)
return 1
`;

export const completeLua = `
-- Puts the generation of this token in place of the complete one, if it is whole.
-- ARGV[1]  token     ARGV[2]  bits of the filter
-- Returns  1 completed, 0 lost
-- Writes   the state; takes the bitmap before away
-- Cost     O(1)
${head}
local bits = tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'next', 'token', 'nextRun', 'nextSpec', 'cur')
if state[2] ~= ARGV[1] or state[3] ~= run then return 0 end
local key = bitmap(state[1])
if redis.call('GETBIT', key, bits + 1) ~= 1 then return 0 end
redis.call('SETBIT', key, bits, 1)
redis.call('HSET', KEYS[1], 'cur', state[1], 'spec', state[4], 'run', run)
redis.call('HDEL', KEYS[1], 'next', 'nextSpec', 'nextRun', 'token', 'until')
if state[5] and state[5] ~= state[1] then redis.call('UNLINK', bitmap(state[5])) end
return 1
`;
