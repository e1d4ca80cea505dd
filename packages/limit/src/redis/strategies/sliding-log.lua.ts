/** Mirrors strategies/sliding-log/step.ts. */
export const slidingLogLua = `
-- Value  a list, oldest first: "moment:units", one for each moment, and last of all the units of all of them; absent = none. What
--        has left the window stays until the next take that is allowed. A block is a list of one: "b" and its end
-- p      limit; length of the window in us
-- State  entries, oldest first, looked at as far as needed: at, units of the newest; out: units within the window; gone: entries
--        before it; moment: now, or that of the newest entry when the clock went back
-- Reply  as put_holdings
-- Cost   O(entries that left the window, or that have to come back first), at most the limit; mostly a few
local function entry(text)
  local at, units = match(text or '', '^(%d+):(%d+)$')
  if not at then nonsense() end
  return tonumber(at), tonumber(units)
end

-- Entries from a place on, fetched in growing pieces. The last element is the total.
local function entries(key, from)
  local piece, first, size = {}, from, 4
  return function(i)
    local at = from + i - 1
    while at >= first + #piece do
      first = first + #piece
      size = size * 4
      piece = call('LRANGE', key, first, first + size - 1)
      if #piece == 0 then return nil end
    end
    local text = piece[at - first + 1]
    if find(text, ':', 1, true) then return entry(text) end
  end
end

local function close(p, key, at)
  call('PEXPIRE', key, ttl(at + p[2]))
end

return {
  read = function(p, key)
    local tail = call('LRANGE', key, -2, -1)
    local state = { moment = now, out = 0, gone = 0, lapsed = false }
    if #tail == 0 then return state end
    if #tail == 1 then
      local blocked = tonumber(match(tail[1], '^b(%d+)$'))
      if not blocked then nonsense() end
      if now < blocked then return nil, blocked end
      state.lapsed = true
      return state
    end
    state.at, state.units = entry(tail[1])
    local total = tonumber(match(tail[2], '^%d+$'))
    if not total then nonsense() end
    state.moment = math.max(now, state.at)
    if state.moment >= state.at + p[2] then
      return { moment = now, out = 0, gone = 0, lapsed = true }
    end
    local each, i = entries(key, 0), 1
    local at, units = each(1)
    while state.moment >= at + p[2] do
      total = total - units
      i = i + 1
      at, units = each(i)
    end
    state.out, state.gone = total, i - 1
    return state
  end,
  fits = function(p, state, cost)
    return cost <= p[1] - state.out
  end,
  take = function(p, key, state, cost)
    local units = cost
    if state.lapsed then
      drop(key)
    elseif state.at == state.moment then
      units = state.units + cost
      call('LTRIM', key, state.gone, -3)
    elseif state.at then
      call('LTRIM', key, state.gone, -2)
    end
    local out = state.out + cost
    call('RPUSH', key, whole(state.moment) .. ':' .. whole(units), whole(out))
    close(p, key, state.moment)
    return { moment = state.moment, at = state.moment, units = units, out = out, gone = 0 }
  end,
  stand = function(p, key, state, cost)
    local each = entries(key, state.gone)
    put_holdings(p[1], state.out, cost, (state.at or 0) + p[2], function(i)
      local at, units = each(i)
      if at then return at + p[2], units end
    end)
  end,
  refund = function(p, key, state, cost, taken_at)
    if state.out == 0 then return end
    local left, changed, emptied = cost, {}, 0
    local length = call('LLEN', key) - 1
    local upto, size, newest = length - 1, 8, state.at
    while left > 0 and upto >= state.gone do
      local from = math.max(state.gone, upto - size + 1)
      local piece = call('LRANGE', key, from, upto)
      for i = #piece, 1, -1 do
        local at, units = entry(piece[i])
        local back = 0
        if not taken_at or at <= taken_at then back = math.min(units, left) end
        if back > 0 then
          left = left - back
          -- From the end: what is trimmed at the head moves nothing.
          changed[#changed + 1] = { from + i - 1 - length - 1, at, units - back }
          if units == back then emptied = emptied + 1 end
        end
      end
      upto, size = from - 1, size * 4
    end
    if left == cost then return end
    local out = state.out - (cost - left)
    if out == 0 then return drop(key) end
    call('LTRIM', key, state.gone, -1)
    for _, change in ipairs(changed) do
      local text = change[3] > 0 and whole(change[2]) .. ':' .. whole(change[3]) or '-'
      call('LSET', key, change[1], text)
    end
    call('LSET', key, -1, whole(out))
    if emptied > 0 then call('LREM', key, -emptied, '-') end
    close(p, key, (entry(call('LINDEX', key, -2))))
  end,
  block = function(key, until_us)
    drop(key)
    call('RPUSH', key, 'b' .. whole(until_us))
    call('PEXPIRE', key, ttl(until_us))
  end,
}
`;
