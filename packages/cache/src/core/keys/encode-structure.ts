/**
 * One text per structure: two values have the same text if and only if they are structurally equal. Objects, Maps and Sets in whatever
 * order; -0 is not 0, a Date not its number, `undefined` not a missing property, a hole in an array not `undefined`; NaN is NaN.
 *
 * Every text ends by itself (strings are quoted, numbers closed by ";", the rest is bracketed), so that texts that follow one another
 * can not be cut in two ways. Cost: O(n log n) in the size of the value.
 */
export function encodeStructure(value: unknown): string {
  return encode(value, 'parts', 0);
}

/** What can not be told apart from others by its contents. */
export class UnkeyableError extends Error {}

/** Deeper than anything but a cycle. */
const MAX_DEPTH = 64;

function encode(value: unknown, path: string, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return `${Object.is(value, -0) ? '-0' : value};`;
    case 'bigint':
      return `i${value};`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'undefined':
      return 'u';
    case 'object':
      break;
    default:
      throw new UnkeyableError(`${path} is a ${typeof value}; name it by a string`);
  }
  if (value === null) return 'n';
  if (depth === MAX_DEPTH) {
    throw new UnkeyableError(`${path.slice(0, 100)} is nested deeper than ${MAX_DEPTH}, or holds itself`);
  }
  if (Array.isArray(value)) return encodeArray(value, path, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return encodeObject(value, path, depth);
  return encodeBuiltIn(value, path, depth);
}

/** JSON writes halves of surrogate pairs as escapes, so that no two strings meet as UTF-8 either. */
const quote = (text: string): string => JSON.stringify(text);

function encodeArray(array: readonly unknown[], path: string, depth: number): string {
  if (Object.keys(array).some((key) => !/^\d+$/.test(key))) {
    throw new UnkeyableError(`${path} is an array with properties of its own; pass an object`);
  }
  let text = '[';
  for (let at = 0; at < array.length; at += 1) {
    text += at in array ? encode(array[at], `${path}[${at}]`, depth + 1) : '_';
  }
  return `${text}]`;
}

function encodeObject(object: object, path: string, depth: number): string {
  if (Object.getOwnPropertySymbols(object).length > 0) {
    throw new UnkeyableError(`${path} has a property named by a symbol; name it by a string`);
  }
  const fields = Object.keys(object)
    .sort()
    .map((key) => quote(key) + encode((object as Record<string, unknown>)[key], `${path}.${key}`, depth + 1));
  return `{${fields.join('')}}`;
}

/** By what they are, not by their prototype alone: values that a cache hands out are frozen ones with another. */
function encodeBuiltIn(value: object, path: string, depth: number): string {
  if (value instanceof Uint8Array) return `b${Array.from(value, hex).join('')};`;
  if (Reflect.ownKeys(value).length === 0) {
    // biome-ignore lint/style/noRestrictedGlobals: a type here, not a clock
    if (value instanceof Date) return `d${value.getTime()};`;
    if (value instanceof Set) {
      const items = Array.from(value, (item) => encode(item, `${path}.item`, depth + 1));
      return `S[${items.sort().join('')}]`;
    }
    if (value instanceof Map) {
      const entries = Array.from(
        value,
        ([key, item]) => encode(key, `${path}.key`, depth + 1) + encode(item, `${path}.value`, depth + 1),
      );
      return `M[${entries.sort().join('')}]`;
    }
  }
  const name = (value as { constructor?: { name?: unknown } }).constructor?.name;
  throw new UnkeyableError(
    `${path} is an instance of ${typeof name === 'string' && name !== '' ? name : 'a class'}; pass plain data, e.g. its id`,
  );
}

const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
