import { ConfigurationError, type Issue } from '@spillway/kernel';

/**
 * Keys: `prefix:package:v1:{subject}:part:part`.
 *
 * All keys of one subject share a Cluster slot, by the hash tag. No two lists of identifiers make the same key, whatever they
 * hold (G8): the separator, the braces, the escape sign itself, what SCAN takes for a pattern, and control characters are
 * written as `%XX`; half a surrogate pair, which UTF-8 would turn into the same replacement sign for all of them, as `%uXXXX`.
 * An empty subject is written as `%`, which no escape makes: Redis ignores an empty hash tag.
 */
export type KeyBuilder = (subject: string, ...parts: readonly string[]) => string;

export interface KeyOptions {
  /** The deployment's own: letters, digits, `_`, `.`, `-`. */
  readonly prefix: string;
  /** Whose keys they are: `"limit"`, `"cache"`. The same characters. */
  readonly package: string;
  /** Of the stored format. A change of format is a new version, so that old and new never read each other. */
  readonly version: number;
}

/** @throws {ConfigurationError} when an option holds a character that could make two key families meet */
export function createKeys(options: KeyOptions): KeyBuilder {
  const issues: Issue[] = [];
  for (const path of ['prefix', 'package'] as const) {
    const value = options[path];
    if (/^[\w.-]+$/.test(value)) continue;
    issues.push({ path, message: `must be letters, digits, "_", "." or "-", got ${JSON.stringify(value)}` });
  }
  if (!Number.isSafeInteger(options.version) || options.version < 1) {
    issues.push({ path: 'version', message: `must be an integer >= 1, got ${JSON.stringify(options.version)}` });
  }
  if (issues.length > 0) throw new ConfigurationError('These keys can not be told apart from others', issues);
  const head = `${options.prefix}:${options.package}:v${options.version}:{`;
  return (subject, ...parts) => {
    let key = `${head}${subject === '' ? '%' : escapeKeyPart(subject)}}`;
    for (const part of parts) key += `:${escapeKeyPart(part)}`;
    return key;
  };
}

// Cc: control characters. Cs: halves of surrogate pairs that stand alone.
const SPECIAL = /[%{}:*?[\]\\ \p{Cc}\p{Cs}]/u;
const EACH_SPECIAL = new RegExp(SPECIAL, 'gu');

/** One identifier, so that it can stand between separators. Different strings stay different. */
export function escapeKeyPart(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text.replace(EACH_SPECIAL, (char) => {
    const code = char.charCodeAt(0).toString(16).toUpperCase();
    return code.length > 2 ? `%u${code}` : `%${code.padStart(2, '0')}`;
  });
}
