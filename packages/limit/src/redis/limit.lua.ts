import { REMEMBER_US } from '../store.ts';
import { LATE_US } from './charge-once.ts';
import type { AnyRedisStrategy } from './strategies/redis-strategy.ts';

/** One script from the snippets of all strategies. It runs only those that it is asked for. */
export const limitLua = (strategies: readonly AnyRedisStrategy[]): string => {
  const letters = new Map<string, string[]>();
  for (const { lua, letter } of strategies) letters.set(lua, [...(letters.get(lua) ?? []), letter]);
  const branches = [...letters].map(([lua, of]) => {
    const asked = of.map((letter) => `letter == '${letter}'`).join(' or ');
    return `if ${asked} then\n${lua.trim()}\nend`;
  });
  return `${HEAD}
${LONE_BUCKET}
${TOOLS}
local function load(letter)
${branches.join('\n')}
end
${MAIN}`;
};

const HEAD = `
-- Takes and the like, of one or many callers, one after the other, all at one moment. Each policy's part mirrors the pure step of
-- its strategy; the conformance suite and a property test hold the two together.
--
-- KEYS     of each member: one for each of its policies, and for "o" and "u" that of its id; all in one slot
-- ARGV[1]  now in us, or "" to ask the server
-- ARGV[2]  how many sets of policies follow: [["letter", [integers]], ...]
-- then     the members, in pairs: how many alike follow each other, "<what><set> <number> <moment> <id>":
--          t take, o take once (moment: not after), p peek: number is the cost
--          r refund, u refund of what was taken once (moment: of the take, may be left out): number is the cost
--          b block: number is for how long; x reset
-- Returns  now, then of each member
--          1 allowed, then the numbers of each policy
--          0 denied, then of each policy 1 or 0 and its numbers, or 2 and for how long it is blocked
--          2 done
--          3 ask again: of each policy the moment to ask for
--          4 too late: nothing was charged
--          5 it failed, with the error: nothing was written
-- Writes   what the members that are allowed do, each key with a time to live, which is for tidiness and not for meaning
-- Cost     O(members x policies x cost of their strategies), at most 256 members
local call, format, match, find = redis.call, string.format, string.match, string.find
local sub, gmatch, byte = string.sub, string.gmatch, string.byte
local now = tonumber(ARGV[1])
-- Keys live a second longer than they need: Redis counts whole milliseconds, from a moment a little earlier than TIME.
-- A test's clock may stand still while Redis's goes on: a minute then.
local slack_ms = now and 60000 or 1000
if now == nil then
  local time = call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
`;

/**
 * What is asked for most, before anything is made that it has no use for: that would cost the server as much again. A bucket with a
 * fraction, or whose key holds something else, goes the long way.
 */
const LONE_BUCKET = `
if #ARGV == 5 and #KEYS == 1 then
  local token, full, capacity = match(ARGV[3], '^%[%["[bg]",%[1,(%d+),0,(%d+),0,(%d+)%]%]%]$')
  local cost = token and match(ARGV[5], '^t1 (%d+)$')
  local text = cost and call('GET', KEYS[1])
  if cost and (not text or (#text <= 16 and find(text, '^%d+$'))) then
    local us = math.max(0, (text or 0) - now)
    local after = us + cost * token
    if tonumber(cost) > tonumber(capacity) or after > tonumber(full) then return { now, 0, 0, us } end
    call('SET', KEYS[1], format('%.0f', now + after), 'PX', format('%.0f', math.ceil(after / 1000) + slack_ms))
    return { now, 1, after }
  end
end
`;

const TOOLS = `
local reply, filled = { now }, 1
local function put(value)
  filled = filled + 1
  reply[filled] = value
end
-- As text: the conversion of Lua itself rounds. %d has the range of a long, which may be 32 bits; else it is twice as fast as %.0f.
local as_text = format('%d', 1099511627776) == '1099511627776' and '%d' or '%.0f'
local function whole(n) return format(as_text, n) end
local function ttl(until_us) return whole(math.max(0, math.ceil((until_us - now) / 1000)) + slack_ms) end
local function nonsense() error({ err = 'ERR this key holds something else than the state of a limit' }) end
-- A value, or nil, or nil and until when the key is blocked.
local function get(key)
  local text = call('GET', key)
  if not text or byte(text) ~= 98 then return text or nil end
  local blocked = tonumber(match(text, '^b(%d+)$')) or nonsense()
  if now < blocked then return nil, blocked end
end
local function set(key, text, until_us) call('SET', key, text, 'PX', ttl(until_us)) end
local function drop(key) call('UNLINK', key) end
-- A moment and a count in one text, which is one integer of 64 bits where possible: Redis keeps those without a string. Sixteen
-- digits of microseconds and three of the count; or, below zero, thirteen of milliseconds and six of the count; or "us:count".
local function pair(us, count)
  if count == 0 then return whole(us) end
  if us >= 1e15 then
    if count < 1000 then return whole(us) .. format('%03d', count) end
    if count < 1000000 and us % 1000 == 0 then return '-' .. whole(us / 1000) .. format('%06d', count) end
  end
  return whole(us) .. ':' .. whole(count)
end
local function unpair(text)
  if find(text, '^%d+$') then
    local length = #text
    if length <= 16 then return text + 0, 0 end
    if length == 19 then return tonumber(sub(text, 1, 16)), tonumber(sub(text, 17)) end
  end
  local us, count = match(text, '^%-(%d%d%d%d%d%d%d%d%d%d%d%d%d)(%d%d%d%d%d%d)$')
  if us then return tonumber(us) * 1000, tonumber(count) end
  us, count = match(text, '^(%d+):(%d+)$')
  if us then return tonumber(us), tonumber(count) end
  nonsense()
end
-- Units that are out until a moment each, given by number, those that come back first first. Puts four: how many are out; after how
-- long one more is there, all are, and cost are (cost 0: nobody asks). Mirrors strategies/holdings.ts.
local function put_holdings(limit, out, cost, last_until, holding)
  put(out)
  local refill, retry = 0, 0
  if out > 0 then
    local enough = limit - math.max(0, limit - out) - 1
    local fits = limit - cost
    local asked = cost > 0 and fits >= 0
    local left, i = out, 0
    repeat
      i = i + 1
      local until_us, units = holding(i)
      if not until_us then break end
      local before = left
      left = left - units
      if left <= enough and before > enough then refill = until_us - now end
      if asked and left <= fits and (i == 1 or before > fits) then retry = until_us - now end
    until left <= enough and (not asked or left <= fits)
  end
  put(refill)
  put(out > 0 and last_until - now or 0)
  put(retry)
end
`;

const MAIN = `
local loaded, sets = {}, {}
local given = tonumber(ARGV[2])
for i = 1, given do
  local policies = cjson.decode(ARGV[2 + i])
  for j = 1, #policies do
    local letter, p = policies[j][1], policies[j][2]
    loaded[letter] = loaded[letter] or load(letter)
    p.strategy = loaded[letter]
    policies[j] = p
  end
  sets[i] = policies
end

local passed, reading, wrote = 0, nil, false

-- What take does for one policy without an id to remember, which are most.
local function take_one(what, p, cost, id)
  local key, strategy = KEYS[passed + 1], p.strategy
  reading = key
  local state, blocked, moment = strategy.read(p, key)
  if state then
    if not strategy.fits(p, state, cost, id) then
      put(0)
      put(0)
      return strategy.stand(p, key, state, cost)
    end
    if what == 't' then
      state = strategy.take(p, key, state, cost, id)
      wrote = true
    end
    put(1)
    strategy.stand(p, key, state, 0)
  elseif blocked then
    put(0)
    put(2)
    put(blocked - now)
  else
    put(3)
    put(moment)
  end
end

-- Everything else, made when the first member asks for it: a lone take has no use for it.
local act
local function make_act()
local function put_moments(policies, moments)
  put(3)
  for i = 1, #policies do put(moments[i] or 0) end
end

local function take(what, policies, cost, id, id_key)
  local known = false
  if id_key then
    reading = id_key
    known = call('GET', id_key)
  end
  local states, blocks, moments, fit, all = {}, nil, nil, {}, true
  for i = 1, #policies do
    local p = policies[i]
    local key = KEYS[passed + i]
    reading = key
    local state, blocked, moment = p.strategy.read(p, key)
    if state then
      states[i] = state
      fit[i] = (known and not p.strategy.holds) or p.strategy.fits(p, state, cost, id)
      all = all and fit[i]
    elseif blocked then
      blocks = blocks or {}
      blocks[i] = blocked
      all = false
    else
      moments = moments or {}
      moments[i] = moment
    end
  end
  if moments then return put_moments(policies, moments) end
  if all and what ~= 'p' then
    for i = 1, #policies do
      local p = policies[i]
      if not known or p.strategy.holds then
        reading = KEYS[passed + i]
        states[i] = p.strategy.take(p, reading, states[i], cost, id)
        wrote = true
      end
    end
    if id_key and not known then
      reading = id_key
      set(id_key, whole(cost) .. ':' .. whole(now), now + ${REMEMBER_US + LATE_US})
    end
  end
  put(all and 1 or 0)
  for i = 1, #policies do
    if blocks and blocks[i] then
      put(2)
      put(blocks[i] - now)
    else
      local p = policies[i]
      if not all then put(fit[i] and 1 or 0) end
      p.strategy.stand(p, KEYS[passed + i], states[i], fit[i] and 0 or cost)
    end
  end
end

local function refund(policies, cost, at, id, id_key)
  local known
  if id_key then
    reading = id_key
    known = call('GET', id_key)
    local charged, charged_at = match(known or '0:0', '^(%d+):(%d+)$')
    if not charged then nonsense() end
    cost = math.min(cost, tonumber(charged))
    -- Of a repeat the caller knows the moment of the repeat, which is later: units have come back since they were charged.
    if known then at = math.min(at or now, tonumber(charged_at)) end
  end
  local states, moments = {}, nil
  for i = 1, #policies do
    local p = policies[i]
    reading = KEYS[passed + i]
    local state, blocked, moment = p.strategy.read(p, reading)
    states[i] = state
    if moment then
      moments = moments or {}
      moments[i] = moment
    end
  end
  if moments then return put_moments(policies, moments) end
  if known then
    drop(id_key)
    wrote = true
  end
  for i = 1, #policies do
    local p = policies[i]
    if states[i] and (cost > 0 or p.strategy.holds) then
      reading = KEYS[passed + i]
      p.strategy.refund(p, reading, states[i], cost, at, id)
      wrote = true
    end
  end
  put(2)
end

local function block(policies, for_us)
  local untils = {}
  for i = 1, #policies do
    local p = policies[i]
    reading = KEYS[passed + i]
    local _, blocked = p.strategy.read(p, reading)
    untils[i] = math.max(blocked or 0, now + for_us)
  end
  for i = 1, #policies do
    local p = policies[i]
    reading = KEYS[passed + i]
    if p.strategy.block then
      p.strategy.block(reading, untils[i])
    else
      set(reading, 'b' .. whole(untils[i]), untils[i])
    end
    wrote = true
  end
  put(2)
end

return function(what, policies, number, at, id, id_key)
  if what == 't' or what == 'p' then
    take(what, policies, number, id, nil)
  elseif what == 'o' then
    if now > at then return put(4) end
    take(what, policies, number, id, id_key)
  elseif what == 'r' or what == 'u' then
    refund(policies, number, at, id, id_key)
  elseif what == 'b' then
    block(policies, number)
  else
    for i = 1, #policies do
      reading = KEYS[passed + i]
      drop(reading)
    end
    wrote = true
    put(2)
  end
end
end

-- The members in order; after one that failed, from the next one on.
local place, left, what, policies, number, at, id, id_key = 1 + given, 0, nil, nil, nil, nil, nil, nil
local before, width = filled, 0
local function go_on()
  while true do
    passed = passed + width
    if left == 0 then
      place = place + 2
      if place >= #ARGV then return end
      left = tonumber(ARGV[place])
      what, policies, number, at, id = match(ARGV[place + 1], '^(%a)(%d+) (%d+) ?(%d*) ?(.*)$')
      policies, number, at = sets[tonumber(policies)], tonumber(number), tonumber(at)
      if id == '' then id = nil end
    end
    left = left - 1
    width, id_key = #policies, nil
    if what == 'o' or what == 'u' then
      width = width + 1
      id_key = KEYS[passed + width]
    end
    before = filled
    if width == 1 and (what == 't' or what == 'p') then
      take_one(what, policies[1], number, id)
    else
      act = act or make_act()
      act(what, policies, number, at, id, id_key)
    end
  end
end
while true do
  local ok, failure = pcall(go_on)
  if ok then return reply end
  local message = type(failure) == 'table' and failure.err or tostring(failure)
  local own = find(message, 'WRONGTYPE', 1, true) or find(message, 'a limit', 1, true) or find(message, 'OOM', 1, true)
  -- Of the server, rather than of this member: whoever sent the script has to see it. As long as nobody has been charged.
  if not own and not wrote then return redis.error_reply(message) end
  for i = filled, before + 1, -1 do reply[i] = nil end
  filled = before
  put(5)
  put(message .. ': ' .. tostring(reading))
end
`;
