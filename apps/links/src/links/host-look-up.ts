/** Hosts remembered as they were written; beyond it the oldest is forgotten (G7). */
const MAX_REMEMBERED = 1_000;
/** The longest host that is remembered: a name of 253 characters, a dot and a port. */
const MAX_LENGTH = 260;

/** Name, without one trailing dot, and port. An IPv6 address keeps its colons, since it stands in brackets. */
const PARTS = /^(.*?)\.?(?::(\d*))?$/;

/**
 * Finds what a host stands for in `byHost`, whose names are in lower case. A port counts only where one of them names it; one
 * without a port stands for all the others. Remembers what it was asked, since every redirect asks.
 */
export function createHostLookUp<Value>(
  byHost: ReadonlyMap<string, Value>,
  usualPort: string,
): (host: string) => Value | undefined {
  const remembered = new Map<string, Value | undefined>();
  const find = (host: string): Value | undefined => {
    const [, name = '', port = ''] = PARTS.exec(host.toLowerCase()) ?? [];
    return byHost.get(`${name}:${port === '' ? usualPort : port}`) ?? byHost.get(name);
  };
  return (host) => {
    const known = remembered.get(host);
    if (known !== undefined || remembered.has(host)) return known;
    const found = find(host);
    if (host.length <= MAX_LENGTH) {
      if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
      remembered.set(host, found);
    }
    return found;
  };
}
