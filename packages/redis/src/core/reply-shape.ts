/** Commands whose RESP2 reply is a flat list of members and scores (fields and values), and pairs in RESP3. */
const FLAT = new Set(
  'ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE ZRANDMEMBER ZUNION ZINTER ZDIFF ZPOPMIN ZPOPMAX HRANDFIELD'.split(
    ' ',
  ),
);

/** Commands whose RESP2 reply is a list of pairs, and a map in RESP3, which arrives as a flat list. */
const PAIRS = new Set(['XREAD', 'XREADGROUP']);

/**
 * Gives a reply the shape it has in RESP2, whichever protocol a lent client speaks. A reply that has it already stays as it is.
 */
export function toResp2Shape(name: string, reply: unknown): unknown {
  if (!Array.isArray(reply) || reply.length === 0) return reply;
  const command = name.toUpperCase();
  if (FLAT.has(command)) return reply.every((item) => Array.isArray(item) && item.length === 2) ? reply.flat() : reply;
  if (!PAIRS.has(command) || Array.isArray(reply[0])) return reply;
  const pairs: unknown[] = [];
  for (let at = 0; at < reply.length; at += 2) pairs.push([reply[at], reply[at + 1]]);
  return pairs;
}
