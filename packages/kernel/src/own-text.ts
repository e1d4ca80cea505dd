/** V8 copies what is shorter when it cuts it out of a longer text. */
const SHORTEST_CUT = 13;

/**
 * The same text in memory of its own, for whoever keeps it. What is cut out of a text (`slice`, `split`, a match) keeps all of that
 * alive in V8: a client's address of 20 characters out of a header of 16 kB costs 16 kB. About 0.3 us.
 */
export const ownText = (text: string): string =>
  text.length < SHORTEST_CUT ? text : (JSON.parse(JSON.stringify(text)) as string);
