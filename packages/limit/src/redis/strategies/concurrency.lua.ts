/** Mirrors strategies/concurrency/step.ts. */
export const concurrencyLua = `
-- Value  a sorted set: "h" and an id, by the end of its lease; "u" and the id, by minus its units, unless it is one; "t", by minus
--        the units of all of them. Who is past the lease stays until the next take that is allowed. A block is "b", by its end
-- p      limit; length of a lease in us
-- State  out: units under running leases; gone: those that are past it; held: the end of the id's own
-- Reply  as put_holdings
-- Cost   O(holders past their lease, or who have to go first), at most the limit, by log(holders); mostly a few
local function units_of(key, id)
  return -tonumber(call('ZSCORE', key, 'u' .. id) or -1)
end

local function ended(key)
  return call('ZRANGEBYSCORE', key, '1', whole(now))
end

local function last(key)
  local found = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')
  return tonumber(found[2] or 0)
end

-- Writes "t" and drops who is past the lease. The first of its commands may run when memory is full: it only removes.
local function clean(key, gone)
  if #gone == 0 then return end
  call('ZREMRANGEBYSCORE', key, '1', whole(now))
  for _, member in ipairs(gone) do call('ZREM', key, 'u' .. sub(member, 2)) end
end

return {
  holds = true,
  read = function(p, key)
    local total = call('ZSCORE', key, 't')
    if not total then
      local blocked = tonumber(call('ZSCORE', key, 'b') or 0)
      if now < blocked then return nil, blocked end
      return { out = 0, gone = {}, lapsed = blocked > 0, key = key }
    end
    local out, gone = -tonumber(total), ended(key)
    for _, member in ipairs(gone) do out = out - units_of(key, sub(member, 2)) end
    return { out = out, gone = gone, lapsed = false, key = key }
  end,
  fits = function(p, state, cost, id)
    if id then
      local held = tonumber(call('ZSCORE', state.key, 'h' .. id) or 0)
      if held > now then state.held = held end
    end
    return state.held ~= nil or cost <= p[1] - state.out
  end,
  take = function(p, key, state, cost, id)
    if state.lapsed then drop(key) end
    clean(key, state.gone)
    local ends = math.max(state.held or 0, now + p[2])
    local out = state.out
    if not state.held then
      out = out + cost
      if cost > 1 then call('ZADD', key, whole(-cost), 'u' .. id) end
    end
    call('ZADD', key, whole(-out), 't', whole(ends), 'h' .. id)
    call('PEXPIRE', key, ttl(last(key)))
    return { out = out, gone = {} }
  end,
  stand = function(p, key, state, cost)
    local piece, first, size = {}, 0, 4
    put_holdings(p[1], state.out, cost, state.out > 0 and last(key) or 0, function(i)
      while i > first + #piece / 2 do
        first = first + #piece / 2
        size = size * 4
        piece = call('ZRANGEBYSCORE', key, '(' .. whole(now), '+inf', 'WITHSCORES', 'LIMIT', first, size)
        if #piece == 0 then return nil end
      end
      local at = (i - first) * 2
      return tonumber(piece[at]), units_of(key, sub(piece[at - 1], 2))
    end)
  end,
  refund = function(p, key, state, cost, at, id)
    local held = tonumber(call('ZSCORE', key, 'h' .. id) or 0)
    if held <= now then return end
    local out = state.out - units_of(key, id)
    if out == 0 then return drop(key) end
    clean(key, state.gone)
    call('ZREM', key, 'h' .. id, 'u' .. id)
    call('ZADD', key, whole(-out), 't')
    call('PEXPIRE', key, ttl(last(key)))
  end,
  block = function(key, until_us)
    drop(key)
    call('ZADD', key, whole(until_us), 'b')
    call('PEXPIRE', key, ttl(until_us))
  end,
}
`;
