import { verdictOf } from '@spillway/limit';
import { defineRedisStrategy } from '@spillway/limit/redis';
import { quiet } from './quiet.ts';

export const quietInRedis = defineRedisStrategy(quiet, {
  args: ({ limit, pauseUs }) => [limit, pauseUs],
  verdict({ capacity, limit }, outcome, cost, numbers) {
    const remaining = Math.max(0, limit - numbers.take());
    const allUs = numbers.take();
    return verdictOf(outcome, capacity, cost, { remaining, refillAfterUs: allUs, resetAfterUs: allUs }, () => allUs);
  },
  lua: `
-- p      limit; pause in us
-- Value  "first:last:taken"; absent = nothing
-- Reply  what is taken; after how long it is forgotten
-- Cost   O(1)
local function write(p, key, tries)
  set(key, whole(tries.first) .. ':' .. whole(tries.last) .. ':' .. whole(tries.taken), tries.last + p[2])
  return tries
end

return {
  read = function(p, key)
    local text, blocked = get(key)
    if blocked then return nil, blocked end
    if not text then return { taken = 0 } end
    local first, last, taken = match(text, '^(%d+):(%d+):(%d+)$')
    if not first then nonsense() end
    local tries = { first = tonumber(first), last = tonumber(last), taken = tonumber(taken) }
    if now >= tries.last + p[2] then return { taken = 0 } end
    return tries
  end,
  fits = function(p, tries, cost)
    return cost <= p[1] - tries.taken
  end,
  take = function(p, key, tries, cost)
    local last = math.max(now, tries.last or 0)
    return write(p, key, { first = tries.first or now, last = last, taken = tries.taken + cost })
  end,
  stand = function(p, key, tries)
    put(tries.taken)
    put(tries.taken > 0 and tries.last + p[2] - now or 0)
  end,
  refund = function(p, key, tries, cost, at)
    if tries.taken == 0 or (at and at < tries.first) then return end
    if tries.taken <= cost then return drop(key) end
    tries.taken = tries.taken - cost
    write(p, key, tries)
  end,
}
`,
});
