import { loneBucketLua } from './lua/lone-bucket.lua.ts';
import { membersLua } from './lua/members.lua.ts';
import { toolsLua } from './lua/tools.lua.ts';
import type { AnyRedisStrategy } from './strategies/redis-strategy.ts';

/** One script from the snippets of all strategies. It runs only those that it is asked for. */
export const limitLua = (strategies: readonly AnyRedisStrategy[]): string => {
  const letters = new Map<string, string[]>();
  for (const { lua, letter } of strategies) letters.set(lua, [...(letters.get(lua) ?? []), letter]);
  const branches = [...letters].map(([lua, of]) => {
    const asked = of.map((letter) => `letter == '${letter}'`).join(' or ');
    return `if ${asked} then\n${lua.trim()}\nend`;
  });
  return `${HEAD}
${loneBucketLua}
${toolsLua}
local function load(letter)
${branches.join('\n')}
end
${membersLua}`;
};

const HEAD = `
-- Takes and the like, of one or many callers, one after the other, all at one moment. Each policy's part mirrors the pure step of
-- its strategy; the conformance suite and a property test hold the two together.
--
-- KEYS     of each member: one for each of its policies, and for "o" and "u" that of its id; all in one slot
-- ARGV[1]  now in us, or "" to ask the server
-- ARGV[2]  how many sets of policies follow: [["letter", [integers]], ...]
-- then     the members, in pairs: how many alike follow each other, "<what><set> <number> <moment> <id>":
--          t take, o take once (moment: not after), p peek: number is the cost
--          v reserve: "v<set> <cost> <want> <parts> <owed>", owed: of each policy "<units>:<moment>", or nothing at all
--          r refund, u refund of what was taken once (moment: of the take, may be left out): number is the cost
--          b block: number is for how long; x reset
-- Returns  now, then of each member
--          1 allowed, then the numbers of each policy; of "v" also what was granted, and how long its first window goes on, or -1
--          0 denied, then of each policy 1 or 0 and its numbers, or 2 and for how long it is blocked
--          2 done
--          3 ask again: of each policy the moment to ask for
--          4 too late: nothing was charged
--          5 it failed, with the error: nothing was charged
--          6 it failed, with the error, when a part of it was written
-- An error is its reply only as long as nobody was charged.
-- Writes   what the members that are allowed do, each key with a time to live, which is for tidiness and not for meaning
-- Cost     O(members x policies x cost of their strategies), at most 256 members
local call, format, match, find = redis.call, string.format, string.match, string.find
local sub, gmatch, byte = string.sub, string.gmatch, string.byte
local now = tonumber(ARGV[1])
-- Keys live a second longer than they need: Redis counts whole milliseconds, from a moment a little earlier than TIME.
-- A test's clock may stand still while Redis's goes on: a minute then.
local slack_ms = now and 60000 or 1000
if now == nil then
  local time = call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
`;
