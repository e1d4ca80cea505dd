import type { CommandOptions, RedisArgument } from '../link.ts';

export interface Inspection {
  /** e.g. `"7.0.15"`. */
  readonly version: string;
  /** e.g. `"noeviction"`. */
  readonly maxmemoryPolicy: string;
  /** What may be lost under this server's settings, in sentences. Empty when nothing is. */
  readonly risks: readonly string[];
  /** What a restart or the like costs under them, without breaking a promise, in sentences. */
  readonly notes: readonly string[];
}

type Ask = (name: string, args: readonly RedisArgument[], options: CommandOptions) => Promise<unknown>;

/**
 * Reads what a server's settings put at risk. Needs the right to INFO only: managed servers refuse CONFIG.
 * @throws {RedisReplyError} `NOPERM`, naming the right to grant
 */
export async function inspectServer(ask: Ask): Promise<Inspection> {
  const info = parseInfo(String(await ask('INFO', [], { deadlineMs: 2_000 })));
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const limited = info.get('maxmemory') !== '0';
  const risks: string[] = [];
  if (policy !== 'noeviction') {
    const now = limited ? '' : ' once maxmemory is set';
    const which = policy.startsWith('volatile-') ? 'any key with a TTL, and every key has one' : 'any key';
    risks.push(
      `maxmemory-policy ${policy} evicts ${which}${now}: limits start anew, streams and locks disappear. ` +
        'Set it to noeviction, and give the cache a Redis of its own',
    );
  }
  if (!limited) {
    risks.push('maxmemory is 0: when memory runs out the system kills Redis. Set it below the memory of the machine');
  }
  const notes: string[] = [];
  if (info.get('aof_enabled') === '0') {
    notes.push(
      'appendonly is no: a restart loses what came after the last snapshot. Limits start anew, and events come again from ' +
        "their producers' spools. Set it to yes only where ids come from Redis alone",
    );
  }
  return { version: info.get('redis_version') ?? 'unknown', maxmemoryPolicy: policy, risks, notes };
}

function parseInfo(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}
