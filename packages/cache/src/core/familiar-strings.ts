const PLACES = 4_096;
/** Longer ones are not worth the look, and would be held for as long as nobody else takes their place. */
const MAX_LENGTH = 64;

/**
 * Gives back an equal string that was seen before, where there is one. For keys of a Map: a string that is new, as what comes from
 * the network always is, V8 first looks up in its table of all strings, at several times the price of the Map's own look-up. One
 * that was a key before it knows. Remembers 4,096 strings, one for each value of a cheap hash.
 */
export function createFamiliarStrings(): (text: string) => string {
  const places: string[] = new Array<string>(PLACES).fill('');
  return (text) => {
    const { length } = text;
    // Not `>`: a key that is no string, against its type, has no length, and is refused by name further on.
    if (!(length <= MAX_LENGTH)) return text;
    // The last characters differ most. Before the first charCodeAt gives NaN, which `|` takes for 0.
    const last = text.charCodeAt(length - 1) | (text.charCodeAt(length - 2) << 8) | (text.charCodeAt(length - 3) << 16);
    const hash = Math.imul(last ^ (text.charCodeAt(length - 4) << 4) ^ (text.charCodeAt(length - 5) << 12), 0x9e3779b1);
    const place = hash >>> 20;
    const known = places[place];
    if (known === text) return known;
    places[place] = text;
    return text;
  };
}
