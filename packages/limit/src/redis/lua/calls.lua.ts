import { LATE_US, REMEMBER_US } from '../../store.ts';

/** What a member can ask for, but for the take of one policy without an id. Sees what `membersLua` has before it. */
export const callsLua = `
local function put_moments(policies, moments)
  put(3)
  for i = 1, #policies do put(moments[i] or 0) end
end

-- Of each policy: a state, or until when it is blocked, or the moment to be asked again for.
local function read_all(policies)
  local states, blocks, moments = {}, nil, nil
  for i = 1, #policies do
    local p = policies[i]
    reading = KEYS[passed + i]
    local state, blocked, moment = p.strategy.read(p, reading)
    states[i] = state
    if blocked then
      blocks = blocks or {}
      blocks[i] = blocked
    elseif moment then
      moments = moments or {}
      moments[i] = moment
    end
  end
  return states, blocks, moments
end

-- What was used elsewhere while this server was away: before the take, and whatever becomes of that.
local function hand_over(policies, states, owed)
  local i = 0
  for units, at in gmatch(owed, '(%d+):(%d+)') do
    i = i + 1
    units = tonumber(units)
    local p = policies[i]
    if units > 0 and states[i] and p.strategy.hand_over then
      reading = KEYS[passed + i]
      states[i] = p.strategy.hand_over(p, reading, states[i], units, tonumber(at))
      wrote, mine = true, true
    end
  end
end

-- After the take: no more than a part of what it has left of each policy. Mirrors lease/grant-of.ts.
local function lease(policies, states, want, parts)
  local granted, left_us = want, -1
  for i = 1, want > 0 and #policies or 0 do
    granted = math.min(granted, math.floor(policies[i].strategy.left(policies[i], states[i]) / parts))
  end
  for i = 1, granted > 0 and #policies or 0 do
    local p = policies[i]
    reading = KEYS[passed + i]
    p.strategy.fits(p, states[i], granted)
    local state = p.strategy.take(p, reading, states[i], granted)
    local us = p.strategy.window_left and p.strategy.window_left(p, state) or -1
    if us >= 0 and (left_us < 0 or us < left_us) then left_us = us end
  end
  put(granted)
  put(left_us)
end

local function take(what, policies, cost, at, id, id_key)
  local known = false
  if id_key then
    reading = id_key
    known = call('GET', id_key)
  end
  local states, blocks, moments = read_all(policies)
  if moments then return put_moments(policies, moments) end
  local parts
  if what == 'v' then
    parts, id = match(id, '^(%d+) ?(.*)$')
    hand_over(policies, states, id)
    id = nil
  end
  local fit, all = {}, not blocks
  for i = 1, #policies do
    local p, state = policies[i], states[i]
    if state then
      reading = KEYS[passed + i]
      fit[i] = (known and not p.strategy.holds) or p.strategy.fits(p, state, cost, id)
      all = all and fit[i]
    end
  end
  if all and what ~= 'p' then
    for i = 1, #policies do
      local p = policies[i]
      if not known or p.strategy.holds then
        reading = KEYS[passed + i]
        states[i] = p.strategy.take(p, reading, states[i], cost, id)
        wrote, mine = true, true
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
  if all and what == 'v' then lease(policies, states, at, tonumber(parts)) end
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
  local states, _, moments = read_all(policies)
  if moments then return put_moments(policies, moments) end
  if known then
    drop(id_key)
    wrote, mine = true, true
  end
  for i = 1, #policies do
    local p = policies[i]
    if states[i] and (cost > 0 or p.strategy.holds) then
      reading = KEYS[passed + i]
      p.strategy.refund(p, reading, states[i], cost, at, id)
      wrote, mine = true, true
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
    wrote, mine = true, true
  end
  put(2)
end

return function(what, policies, number, at, id, id_key)
  if what == 't' or what == 'p' or what == 'v' then
    take(what, policies, number, at, id, nil)
  elseif what == 'o' then
    if now > at then return put(4) end
    take(what, policies, number, at, id, id_key)
  elseif what == 'r' or what == 'u' then
    refund(policies, number, at, id, id_key)
  elseif what == 'b' then
    block(policies, number)
  else
    for i = 1, #policies do
      reading = KEYS[passed + i]
      drop(reading)
    end
    wrote, mine = true, true
    put(2)
  end
end
`;
