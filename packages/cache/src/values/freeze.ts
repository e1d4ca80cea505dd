/**
 * Makes a value safe to share, in place, and estimates its size in the same walk. Plain objects and arrays are frozen; a Map, Set
 * or Date is frozen and refuses its changing methods; bytes (typed arrays, Buffer) can not be frozen and are shared as they are.
 * Walks with a stack of its own, so that no depth overflows, and each object once, so that cycles end.
 */
export function freezeDeep(value: unknown): { readonly bytes: number } {
  let bytes = primitiveBytes(value);
  if (!isObject(value)) return { bytes };
  const open: object[] = [value];
  let seen: Set<object> | undefined;
  const visit = (child: unknown): void => {
    bytes += primitiveBytes(child);
    if (!isObject(child)) return;
    // Most values are flat: only those with something inside pay for the set.
    seen ??= new Set([value]);
    if (seen.has(child)) return;
    seen.add(child);
    open.push(child);
  };
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (ArrayBuffer.isView(next)) {
      bytes += next.byteLength;
      continue;
    }
    if (next instanceof Map) {
      for (const [key, item] of next) {
        visit(key);
        visit(item);
      }
      guard(next, Map.prototype, guardedMap);
    } else if (next instanceof Set) {
      for (const item of next) visit(item);
      guard(next, Set.prototype, guardedSet);
    } else if (next instanceof Date) {
      guard(next, Date.prototype, guardedDate);
    }
    for (const key of Object.keys(next)) {
      bytes += PROPERTY_BYTES;
      visit((next as Record<string, unknown>)[key]);
    }
    Object.freeze(next);
  }
  return { bytes };
}

const OBJECT_BYTES = 32;
const PROPERTY_BYTES = 8;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function primitiveBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 16 + 2 * value.length;
    case 'bigint':
      return 24;
    case 'object':
      return value === null ? 0 : OBJECT_BYTES;
    default:
      return 8;
  }
}

function refuse(): never {
  throw new TypeError('This value comes from a cache and is shared; change a copy of it, e.g. structuredClone(value)');
}

function guarded<Proto extends object>(proto: Proto, isMutator: (name: string) => boolean): Proto {
  const copy = Object.create(proto) as Proto;
  for (const name of Object.getOwnPropertyNames(proto)) {
    if (isMutator(name)) Object.defineProperty(copy, name, { value: refuse });
  }
  return Object.freeze(copy);
}

// The emplace methods of newer engines count as well.
const guardedMap = guarded(Map.prototype, (name) => /^(set|delete|clear|getOrInsert|getOrInsertComputed)$/.test(name));
const guardedSet = guarded(Set.prototype, (name) => /^(add|delete|clear)$/.test(name));
const guardedDate = guarded(Date.prototype, (name) => name.startsWith('set'));

/** The prototype that a value had before it was frozen here. */
export function usualPrototype(value: object): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === guardedMap) return Map.prototype;
  if (prototype === guardedSet) return Set.prototype;
  return prototype === guardedDate ? Date.prototype : prototype;
}

// A subclass keeps its own prototype: its class may rely on it.
function guard(target: object, usual: object, replacement: object): void {
  if (Object.getPrototypeOf(target) === usual && Object.isExtensible(target)) {
    Object.setPrototypeOf(target, replacement);
  }
}
