/**
 * What is asked for most, before anything is made that it has no use for: that would cost the server as much again. A bucket with a
 * fraction, or whose key holds something else, goes the long way.
 */
export const loneBucketLua = `
if #ARGV == 5 and #KEYS == 1 then
  local token, full, capacity = match(ARGV[3], '^%[%["[bg]",%[1,(%d+),0,(%d+),0,(%d+)%]%]%]$')
  local cost = token and match(ARGV[5], '^t1 (%d+)$')
  local text = cost and call('GET', KEYS[1])
  if cost and (not text or (#text <= 16 and find(text, '^%d+$'))) then
    local us = math.max(0, (text or 0) - now)
    local after = us + cost * token
    if tonumber(cost) > tonumber(capacity) or after > tonumber(full) then return { now, 0, 0, us } end
    call('SET', KEYS[1], format('%.0f', now + after), 'PX', format('%.0f', math.ceil(after / 1000) + slack_ms))
    return { now, 1, after }
  end
end
`;
