/** See the header. Numbers are the same integers as in core/token-bucket.ts: doubles, all below 2^53. */
export const tokenBucketLua = `
-- One take from one or several token buckets: from all or from none. Mirrors takeTokens() in core/token-bucket.ts; the
-- conformance suite and a property test hold the two together.
--
-- KEYS[i]  bucket i: the moment it will be full again, "us" or "us:fraction", since the epoch; absent = full
-- ARGV[1]  "take" or "peek"
-- ARGV[2]  now in us, or "" to ask the server
-- then five for each bucket:
--          denominator of fractions; cost as a span: us, fraction; from empty to full: us, fraction
-- Returns  three integers for each bucket: 1 if it allows, else 0; what is missing afterwards: us, fraction
-- Writes   every bucket when all allow (SET with PX), nothing otherwise; the time to live is for tidiness, not for meaning:
--          a bucket that is full decides like an absent one
-- Cost     O(number of buckets), at most 16
local take = ARGV[1] == 'take'
local now = tonumber(ARGV[2])
-- Keys live a second longer than their bucket needs: Redis counts whole milliseconds, from a moment a little earlier than TIME.
-- A test's clock may stand still while Redis's goes on: a minute then.
local slack_ms = now and 60000 or 1000
if now == nil then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local reply, after, all = {}, {}, true
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 5
  local denominator = tonumber(ARGV[at + 1])
  local cost_us = tonumber(ARGV[at + 2])
  local cost_fraction = tonumber(ARGV[at + 3])
  local full_us = tonumber(ARGV[at + 4])
  local full_fraction = tonumber(ARGV[at + 5])

  local us, fraction = 0, 0
  local stored = redis.call('GET', key)
  if stored then
    local whole, part = string.match(stored, '^(%d+):?(%d*)$')
    if not whole then return redis.error_reply('ERR not a token bucket: ' .. key) end
    local full_at = tonumber(whole)
    if full_at >= now then
      us = full_at - now
      fraction = tonumber(part) or 0
      if fraction >= denominator then us, fraction = us + 1, 0 end
    end
  end

  local after_us = us + cost_us
  local after_fraction = fraction + cost_fraction
  if after_fraction >= denominator then
    after_us = after_us + 1
    after_fraction = after_fraction - denominator
  end
  local allows = after_us < full_us or (after_us == full_us and after_fraction <= full_fraction)
  all = all and allows
  reply[i * 3 - 2] = allows and 1 or 0
  reply[i * 3 - 1] = us
  reply[i * 3] = fraction
  after[i] = { after_us, after_fraction }
end
if take and all then
  for i, key in ipairs(KEYS) do
    local us, fraction = after[i][1], after[i][2]
    local value = string.format('%.0f', now + us)
    if fraction > 0 then value = value .. ':' .. string.format('%.0f', fraction) end
    redis.call('SET', key, value, 'PX', string.format('%.0f', math.ceil(us / 1000) + slack_ms))
    reply[i * 3 - 1] = us
    reply[i * 3] = fraction
  end
end
return reply
`;
