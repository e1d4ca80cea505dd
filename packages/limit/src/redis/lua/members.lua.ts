import { callsLua } from './calls.lua.ts';

/** Reads the arguments, runs the members in order, and keeps what one of them does wrong to that one. */
export const membersLua = `
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

-- Whether one of them has written something, and whether the present one has.
local passed, reading, wrote, mine = 0, nil, false, false

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
      wrote, mine = true, true
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
${callsLua.trim()}
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
    before, mine = filled, false
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
  put(mine and 6 or 5)
  put(message .. ': ' .. tostring(reading))
end
`;
