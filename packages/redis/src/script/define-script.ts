import { createHash } from 'node:crypto';
import { ConfigurationError } from '@spillway/kernel';
import { ScriptReplyError } from '../errors.ts';
import type { RedisArgument } from '../link.ts';

/** A Lua script, typed at both ends. */
export interface RedisScript<Input, Reply> {
  /** e.g. `"limit.gcra"`; stands in errors and metrics. */
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
  /** What the script touches, all of it; on a Cluster all in one slot. */
  readonly keys: (input: Input) => readonly string[];
  readonly args: (input: Input) => readonly RedisArgument[];
  /** Checks the raw reply, and gives it its shape. */
  readonly reply: (raw: unknown) => Reply;
}

/** A script with its keys, arguments and reply. The SHA1 is computed here, once. */
export function defineScript<Input, Reply>(
  definition: Omit<RedisScript<Input, Reply>, 'sha1'>,
): RedisScript<Input, Reply> {
  if (definition.source.trim() === '') throw new ConfigurationError(`The script "${definition.name}" has no source`);
  return { ...definition, sha1: createHash('sha1').update(definition.source).digest('hex') };
}

/**
 * Checks that a reply is an array of `n` integers. Integers that a script wrote as strings, because they outgrow Lua's
 * conversion, are taken too.
 * @throws {ScriptReplyError} when it is anything else
 */
export function integers(script: string, raw: unknown, n: number): number[] {
  if (!Array.isArray(raw) || raw.length !== n) throw new ScriptReplyError(script, `an array of ${n} integers`, raw);
  for (let at = 0; at < n; at++) {
    if (!Number.isSafeInteger(raw[at])) return raw.map((item) => toInteger(script, raw, item));
  }
  return raw;
}

function toInteger(script: string, raw: unknown[], item: unknown): number {
  const value = typeof item === 'string' && /^-?\d+$/.test(item) ? Number(item) : item;
  if (Number.isSafeInteger(value)) return value as number;
  throw new ScriptReplyError(script, `an array of ${raw.length} integers`, raw);
}
