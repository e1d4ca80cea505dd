/** Mirrors strategies/window-count.ts, with the window of strategies/fixed-window/step.ts or of strategies/quota/step.ts. */
const windowLua = (windowOf: string) => `
-- Value  pair of the moment when the window of the takes began, and what was taken; absent = nothing
-- Reply  what is taken, and after how long the window ends
-- Cost   O(1)
${windowOf}

local function write(key, state)
  set(key, pair(state.own, state.taken), state.ends)
  return state
end

return {
  read = function(p, key)
    local text, blocked = get(key)
    if blocked then return nil, blocked end
    local own, taken
    if text then own, taken = unpair(text) end
    local starts, ends = window_of(p, own)
    if not starts then return nil, nil, math.max(now, own or 0) end
    if not own or own < starts then own, taken = starts, 0 end
    return { starts = starts, ends = ends, own = own, taken = taken }
  end,
  fits = function(p, state, cost)
    return cost <= p[1] - state.taken
  end,
  take = function(p, key, state, cost)
    return write(key, { starts = state.starts, ends = state.ends, own = state.starts, taken = state.taken + cost })
  end,
  stand = function(p, key, state)
    put(state.taken)
    put(state.ends - now)
  end,
  left = function(p, state)
    return p[1] - state.taken
  end,
  window_left = function(p, state)
    return state.ends - now
  end,
  hand_over = function(p, key, state, units, at)
    local charged = math.min(units, p[1] - state.taken)
    if charged <= 0 or at < state.starts or at >= state.ends then return state end
    return write(key, { starts = state.starts, ends = state.ends, own = state.starts, taken = state.taken + charged })
  end,
  refund = function(p, key, state, cost, at)
    if state.taken == 0 or (at and at < state.starts) then return end
    if state.taken <= cost then return drop(key) end
    state.taken = state.taken - cost
    write(key, state)
  end,
}
`;

export const fixedWindowLua = windowLua(`
-- p      limit; length of the window in us; 1 if it begins at multiples of it, 0 if with the first take
local function window_of(p, own)
  if own and now < own + p[2] then return own, own + p[2] end
  local starts = now
  if p[3] == 1 then starts = now - now % p[2] end
  return starts, starts + p[2]
end
`);

export const quotaLua = windowLua(`
-- p      limit; where windows that follow each other begin, and the last of them ends: by the caller's clock, about now
local function window_of(p, own)
  local moment = math.max(now, own or 0)
  for i = 2, #p - 1 do
    if p[i] <= moment and moment < p[i + 1] then return p[i], p[i + 1] end
  end
end
`);
