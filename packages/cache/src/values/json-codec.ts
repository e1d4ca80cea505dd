import { UnsupportedValueError } from '../errors.ts';
import type { CacheCodec } from './codec.ts';
import { usualPrototype } from './freeze.ts';

/**
 * JSON for plain data, as fast as JSON is; `!` and tagged JSON for what JSON would change: Date, Map, Set, BigInt, Uint8Array,
 * Buffer, undefined, NaN, the infinities, -0 and objects without a prototype. A tagged value is `{"$": tag, "v": ...}`, and so an
 * object that has a key `$` is tagged too.
 */
export function jsonCodec<Value>(): CacheCodec<Value> {
  return {
    encode: (value) => (isPlain(value) ? JSON.stringify(value) : TAGGED + JSON.stringify(tag(value))),
    decode: (text) =>
      (text.charCodeAt(0) === TAGGED_CODE ? untag(JSON.parse(text.slice(1)) as Tagged) : JSON.parse(text)) as Value,
  };
}

const TAGGED = '!';
const TAGGED_CODE = TAGGED.charCodeAt(0);

type Tagged = null | boolean | number | string | Tagged[] | { [key: string]: Tagged };

/** Whether JSON brings it back the same. */
function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object': {
      if (value === null) return true;
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index += 1) if (!isPlain(value[index])) return false;
        return true;
      }
      if (Object.getPrototypeOf(value) !== Object.prototype) return false;
      for (const key of Object.keys(value)) {
        if (key === '$' || !isPlain((value as Record<string, unknown>)[key])) return false;
      }
      return true;
    }
    default:
      return false;
  }
}

const tagged = (name: string, value: Tagged): Tagged => ({ $: name, v: value });

function tag(value: unknown): Tagged {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value) && !Object.is(value, -0)) return value;
      return tagged('number', Object.is(value, -0) ? '-0' : String(value));
    case 'undefined':
      return tagged('undefined', null);
    case 'bigint':
      return tagged('bigint', value.toString());
    case 'object':
      return value === null ? null : tagObject(value);
    default:
      throw new UnsupportedValueError(`a ${typeof value}`);
  }
}

function tagObject(value: object): Tagged {
  // Array.from also turns holes into undefined, which JSON would turn into null.
  if (Array.isArray(value)) return Array.from(value, tag);
  switch (usualPrototype(value)) {
    case null:
      return tagged('bare', pairs(value));
    case Object.prototype:
      return Object.hasOwn(value, '$') ? tagged('object', pairs(value)) : Object.fromEntries(pairs(value));
    case Date.prototype: {
      const time = (value as Date).getTime();
      return tagged('date', Number.isNaN(time) ? null : time);
    }
    case Map.prototype:
      return tagged(
        'map',
        Array.from(value as Map<unknown, unknown>, ([key, item]) => [tag(key), tag(item)]),
      );
    case Set.prototype:
      return tagged('set', Array.from(value as Set<unknown>, tag));
    case Buffer.prototype:
      return tagged('buffer', (value as Buffer).toString('base64'));
    case Uint8Array.prototype:
      return tagged('bytes', Buffer.from(value as Uint8Array).toString('base64'));
    default:
      throw new UnsupportedValueError(`an instance of ${className(value)}`);
  }
}

function className(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class without a name';
}

const pairs = (value: object): [string, Tagged][] => Object.entries(value).map(([key, item]) => [key, tag(item)]);

function untag(value: Tagged): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untag);
  const name = Object.hasOwn(value, '$') ? value.$ : undefined;
  if (name === undefined) return fromPairs(Object.entries(value), {});
  const body = value.v as Tagged;
  switch (name) {
    case 'number':
      return Number(body);
    case 'undefined':
      return undefined;
    case 'bigint':
      return BigInt(body as string);
    case 'object':
      return fromPairs(body as [string, Tagged][], {});
    case 'bare':
      return fromPairs(body as [string, Tagged][], Object.create(null) as object);
    case 'date':
      return new Date(body === null ? Number.NaN : (body as number));
    case 'map':
      return new Map((body as [Tagged, Tagged][]).map(([key, item]) => [untag(key), untag(item)]));
    case 'set':
      return new Set((body as Tagged[]).map(untag));
    case 'buffer':
      return Buffer.from(body as string, 'base64');
    case 'bytes':
      return Uint8Array.from(Buffer.from(body as string, 'base64'));
    default:
      throw new UnsupportedValueError(`the unknown tag ${JSON.stringify(name)}`);
  }
}

// Not by assignment: a key `__proto__` would set the prototype.
function fromPairs(from: readonly [string, Tagged][], into: object): object {
  for (const [key, item] of from) {
    Object.defineProperty(into, key, { value: untag(item), enumerable: true, writable: true, configurable: true });
  }
  return into;
}
