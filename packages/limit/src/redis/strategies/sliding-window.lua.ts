/** Mirrors strategies/sliding-window/step.ts. */
export const slidingWindowLua = `
-- Value  "length of a sub-window:index of the newest one:its count,the count before,..."; absent = nothing
-- p      limit; length of a sub-window in us; how many of them
-- State  current: the index of the sub-window that now is in; counts: its count, the one before, ...
-- Reply  as put_holdings
-- Cost   O(sub-windows), at most 100
local function sum(counts)
  local total = 0
  for i = 1, #counts do total = total + counts[i] end
  return total
end

local function write(p, key, state)
  local first, last
  for i = 1, #state.counts do
    if state.counts[i] > 0 then
      first = first or i
      last = i
    end
  end
  if not first then return drop(key) end
  local texts = {}
  for i = first, last do texts[#texts + 1] = whole(state.counts[i]) end
  local newest = state.current - first + 1
  set(key, whole(p[2]) .. ':' .. whole(newest) .. ':' .. table.concat(texts, ','), (newest + p[3] + 1) * p[2])
end

return {
  read = function(p, key)
    local text, blocked = get(key)
    if blocked then return nil, blocked end
    local current = math.floor(now / p[2])
    if not text then return { current = current, counts = {} } end
    local length, newest, rest = match(text, '^(%d+):(%d+):([%d,]+)$')
    length, newest = tonumber(length), tonumber(newest)
    if not length then nonsense() end
    local known = {}
    for count in gmatch(rest, '%d+') do known[#known + 1] = tonumber(count) end
    if length ~= p[2] then
      newest = math.floor(newest * length / p[2])
      known = { sum(known) }
    end
    if current < newest then current = newest end
    local passed = current - newest
    local counts = {}
    if passed <= p[3] then
      local last = 0
      for i = 1, math.min(passed + #known, p[3] + 1) do
        counts[i] = i > passed and known[i - passed] or 0
        if counts[i] > 0 then last = i end
      end
      for i = #counts, last + 1, -1 do counts[i] = nil end
    end
    return { current = current, counts = counts }
  end,
  fits = function(p, state, cost)
    return cost <= p[1] - sum(state.counts)
  end,
  take = function(p, key, state, cost)
    state.counts[1] = (state.counts[1] or 0) + cost
    write(p, key, state)
    return state
  end,
  stand = function(p, key, state, cost)
    local counts = state.counts
    local oldest, newest = #counts, 1
    while counts[newest] == 0 do newest = newest + 1 end
    local function holding(i)
      local at = oldest - i + 1
      if at >= newest then return (state.current - at + p[3] + 2) * p[2], counts[at] end
    end
    put_holdings(p[1], sum(counts), cost, oldest > 0 and (state.current - newest + p[3] + 2) * p[2] or 0, holding)
  end,
  left = function(p, state)
    return p[1] - sum(state.counts)
  end,
  window_left = function(p, state)
    return (state.current + 1) * p[2] - now
  end,
  hand_over = function(p, key, state, units, at)
    local charged = math.min(units, p[1] - sum(state.counts))
    local age = state.current - math.floor(at / p[2])
    if charged <= 0 or age < 0 or age > p[3] then return state end
    for i = #state.counts + 1, age + 1 do state.counts[i] = 0 end
    state.counts[age + 1] = state.counts[age + 1] + charged
    write(p, key, state)
    return state
  end,
  refund = function(p, key, state, cost, at)
    local newest = at and math.floor(at / p[2]) or state.current
    local left = cost
    for i, count in ipairs(state.counts) do
      if state.current - i + 1 <= newest then
        local back = math.min(count, left)
        left = left - back
        state.counts[i] = count - back
      end
    end
    if left < cost then write(p, key, state) end
  end,
}
`;
