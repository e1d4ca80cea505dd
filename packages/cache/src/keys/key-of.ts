import { createHash } from 'node:crypto';
import { encodeStructure, UnkeyableError } from '../core/keys/encode-structure.ts';
import { KeyError } from './key-error.ts';

/** What an answer depends on: all of it, and nothing else. */
export interface KeyParts {
  /** Keys of different namespaces never meet: a tenant, a user, a version of the format. Default: none, which is not `""`. */
  readonly namespace?: string;
  /** What is asked: the name of the query, a method and path. */
  readonly route: string;
  /** The arguments: plain data, Date, BigInt, Map, Set, Uint8Array, in any order of their properties. */
  readonly filters?: unknown;
  /** Whatever else tells answers apart: a page, a language, a role. */
  readonly [part: string]: unknown;
}

/** Keys up to this many characters stay readable; 44 once they are longer. */
const MAX_LENGTH = 200;

/**
 * A key for a compound query: `keyOf({ route: 'orders', filters: { status: ['open'], from } })`. Two calls have the same key if and only
 * if their parts are structurally equal, whatever the order of their properties: `1` is not `"1"`, a Date not its text, `-0` not `0`,
 * `{ status: undefined }` not `{}`. Longer than 200 characters it becomes `#` and the whole SHA-256; no other key begins so.
 * @throws {KeyError} for what has no contents to compare (functions, symbols, instances of classes), or holds itself
 */
export function keyOf(parts: KeyParts): string {
  const { namespace, route, ...rest } = parts;
  if (typeof route !== 'string') throw new KeyError(`route must be a string, got ${describe(route)}`);
  if (Object.hasOwn(parts, 'namespace') && typeof namespace !== 'string') {
    throw new KeyError(`namespace must be a string, or left out, got ${describe(namespace)}`);
  }
  const head = `${namespace === undefined ? '' : JSON.stringify(namespace)}/${JSON.stringify(route)}`;
  const key = head + encodeRest(rest);
  return key.length <= MAX_LENGTH ? key : `#${createHash('sha256').update(key).digest('base64url')}`;
}

function encodeRest(rest: object): string {
  try {
    return encodeStructure(rest);
  } catch (error) {
    if (error instanceof UnkeyableError) throw new KeyError(error.message);
    throw error;
  }
}

const describe = (value: unknown): string => (value === null ? 'null' : `a value of type ${typeof value}`);
