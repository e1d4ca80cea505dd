import { usualPrototype } from './freeze.ts';

/**
 * A copy of a shared value that its caller may change: the same types, not frozen, the same object once where it was the same object once.
 * Walks with a stack of its own, as `freezeDeep`.
 * @throws {TypeError} for an instance of a class, which nobody but its class can copy
 */
export function cloneDeep<Value>(value: Value): Value {
  if (!isObject(value)) return value;
  const seen = new Map<object, object>();
  const open: (readonly [source: object, copy: object])[] = [];
  const copyOf = (source: unknown): unknown => {
    if (!isObject(source)) return source;
    const known = seen.get(source);
    if (known !== undefined) return known;
    const copy = emptyCopy(source);
    seen.set(source, copy);
    // Bytes are copied as they are, and have nothing inside.
    if (!ArrayBuffer.isView(source)) open.push([source, copy]);
    return copy;
  };
  const whole = copyOf(value);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [source, copy] = next;
    if (source instanceof Map)
      for (const [key, item] of source) (copy as Map<unknown, unknown>).set(copyOf(key), copyOf(item));
    else if (source instanceof Set) for (const item of source) (copy as Set<unknown>).add(copyOf(item));
    for (const key of Object.keys(source)) define(copy, key, copyOf((source as Record<string, unknown>)[key]));
  }
  return whole as Value;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function emptyCopy(source: object): object {
  if (Array.isArray(source)) return new Array(source.length);
  if (Buffer.isBuffer(source)) return Buffer.from(source);
  if (source instanceof DataView || ArrayBuffer.isView(source)) return structuredClone(source);
  switch (usualPrototype(source)) {
    case Object.prototype:
      return {};
    case null:
      return Object.create(null) as object;
    case Map.prototype:
      return new Map();
    case Set.prototype:
      return new Set();
    case Date.prototype:
      return new Date((source as Date).getTime());
    default:
      throw new TypeError(
        `A cached value holds an instance of ${source.constructor?.name ?? 'a class'}, which can not be cloned; cache plain data, or take the shared value`,
      );
  }
}

// By definition where assignment would do something else.
function define(target: object, key: string, value: unknown): void {
  if (key !== '__proto__') (target as Record<string, unknown>)[key] = value;
  else Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}
