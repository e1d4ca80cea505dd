/** What strategies and calls have in common: the reply, texts of states, and holdings. */
export const toolsLua = `
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
