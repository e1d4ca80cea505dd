export const refusedLua = `
-- Tries commands, none of which leaves anything behind, and names those that the user may not run in a script. O(commands).
-- KEYS[1]  a key that is not there
-- ARGV     commands, their words between blanks, with @ for the key
-- Returns the names of the refused ones. One command makes the key, and the next one takes it away.
local refused = {}
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '%S+') do
    words[#words + 1] = word == '@' and KEYS[1] or word
  end
  local reply = redis.pcall(unpack(words))
  local err = type(reply) == 'table' and reply.err
  if err and (string.find(err, 'NOPERM') or string.find(err, 'ACL failure') or string.find(err, "can't run this command")) then
    refused[#refused + 1] = words[1]
  end
end
return refused
`;
