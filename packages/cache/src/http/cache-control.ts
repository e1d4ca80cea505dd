/** `Cache-Control` of RFC 9111 section 5.2. What can not be read counts as `no-store`: better not stored than stored wrongly. */
export interface Directives {
  has(name: string): boolean;
  /** Undefined when absent. The least of several, and 0 for what is no number (RFC 9111 section 4.2.1). */
  seconds(name: string): number | undefined;
}

const DIRECTIVE = /[\s,]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?=,|$)/y;

/** RFC 9111 section 1.2.2: what is larger counts as this. */
const MAX_SECONDS = 2 ** 31;

export function parseCacheControl(value: string | undefined): Directives {
  const found = new Map<string, string[]>();
  const text = (value ?? '').trimEnd().replace(/[\s,]+$/, '');
  DIRECTIVE.lastIndex = 0;
  for (let at = 0; at < text.length; at = DIRECTIVE.lastIndex) {
    DIRECTIVE.lastIndex = at;
    const match = DIRECTIVE.exec(text);
    if (match === null) {
      found.set('no-store', ['']);
      break;
    }
    const [, name = '', quoted, plain] = match;
    const key = name.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), quoted ?? plain ?? '']);
  }
  return {
    has: (name) => found.has(name),
    seconds(name) {
      const values = found.get(name)?.map((text) => (/^\d+$/.test(text) ? Math.min(Number(text), MAX_SECONDS) : 0));
      return values === undefined ? undefined : Math.min(...values);
    },
  };
}
