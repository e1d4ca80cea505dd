/** Mirrors core/token-bucket.ts and strategies/token-bucket/step.ts: the same integers, as doubles below 2^53. */
export const tokenBucketLua = `
-- Value  pair of the moment when the bucket is full again, and a numerator over p[1]; absent = full. State: the debt at now: us, fraction.
-- p      denominator of fractions; one token as a span: us, fraction; from empty to full: us, fraction; capacity
-- Reply  the debt: us, and where there are any, the fraction
-- Cost   O(1)
local function span(p, cost)
  if p[3] == 0 then return cost * p[2], 0 end
  local numerator = cost * p[3]
  local carry = math.floor(numerator / p[1])
  return cost * p[2] + carry, numerator - carry * p[1]
end

local function plus(p, state, us, fraction)
  us, fraction = us + state[1], fraction + state[2]
  if fraction >= p[1] then return us + 1, fraction - p[1] end
  return us, fraction
end

-- Whether a bucket with this debt is not beyond empty.
local function within(p, us, fraction)
  return us < p[4] or (us == p[4] and fraction <= p[5])
end

return {
  read = function(p, key)
    local text, blocked = get(key)
    if blocked then return nil, blocked end
    local us, fraction = 0, 0
    if text then
      local full_at, part = unpair(text)
      if full_at >= now then
        us, fraction = full_at - now, part
        if fraction >= p[1] then us, fraction = us + 1, 0 end
      end
    end
    return { us, fraction }
  end,
  -- Leaves in the state what it would be.
  fits = function(p, state, cost)
    if cost > p[6] then return false end
    local us, fraction = span(p, cost)
    us, fraction = us + state[1], fraction + state[2]
    if fraction >= p[1] then us, fraction = us + 1, fraction - p[1] end
    if us > p[4] or (us == p[4] and fraction > p[5]) then return false end
    state[3], state[4] = us, fraction
    return true
  end,
  take = function(p, key, state)
    local us, fraction = state[3], state[4]
    set(key, pair(now + us, fraction), now + us)
    state[1], state[2] = us, fraction
    return state
  end,
  stand = function(p, key, state)
    put(state[1])
    if p[1] > 1 then put(state[2]) end
  end,
  left = function(p, state)
    if p[1] == 1 then return math.max(0, math.floor((p[4] - state[1]) / p[2])) end
    -- An estimate in floating point, off by at most one; the exact comparison settles it.
    local every = p[2] * p[1] + p[3]
    local left = math.min(p[6], math.max(0, math.floor(((p[4] - state[1]) * p[1]) / every)))
    while left > 0 and not within(p, plus(p, state, span(p, left))) do left = left - 1 end
    while left < p[6] and within(p, plus(p, state, span(p, left + 1))) do left = left + 1 end
    return left
  end,
  hand_over = function(p, key, state, units)
    if not within(p, state[1], state[2]) then return state end
    local us, fraction = plus(p, state, span(p, math.min(units, p[6])))
    if not within(p, us, fraction) then us, fraction = p[4], p[5] end
    set(key, pair(now + us, fraction), now + us)
    return { us, fraction }
  end,
  refund = function(p, key, state, cost, at)
    if state[1] == 0 and state[2] == 0 then return end
    local us, fraction = span(p, math.min(cost, p[6]))
    if at and at < now then us = us - (now - at) end
    if us < 0 or (us == 0 and fraction == 0) then return end
    us, fraction = state[1] - us, state[2] - fraction
    if fraction < 0 then us, fraction = us - 1, fraction + p[1] end
    if us < 0 or (us == 0 and fraction == 0) then return drop(key) end
    set(key, pair(now + us, fraction), now + us)
  end,
}
`;
