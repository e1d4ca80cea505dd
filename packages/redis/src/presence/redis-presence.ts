import { createKeys } from '../core/keys.ts';
import { ScriptReplyError } from '../errors.ts';
import type { RedisLink } from '../link.ts';
import { defineScript } from '../script/define-script.ts';
import { type BeatingPresence, keepBeating, type PresenceOptions, SILENT_MS } from './heartbeat.ts';
import { beatLua } from './presence.lua.ts';

const beatScript = defineScript({
  name: 'redis.presence-beat',
  source: beatLua,
  keys: (input: { key: string; instance: string }) => [input.key],
  args: (input) => [input.instance, SILENT_MS],
  reply: (raw): number => {
    if (typeof raw !== 'number') throw new ScriptReplyError('redis.presence-beat', 'a count', raw);
    return raw;
  },
});

export interface RedisPresenceOptions extends PresenceOptions {
  /** Instances that count each other share it. Default: `"spillway"`. */
  readonly prefix?: string;
}

/** The living instances, by a heartbeat into Redis. */
export function redisPresence(
  link: Pick<RedisLink, 'run' | 'command' | 'onState'>,
  options: RedisPresenceOptions,
): BeatingPresence {
  const key = createKeys({ prefix: options.prefix ?? 'spillway', package: 'presence', version: 1 })('instances');
  return keepBeating(options, {
    beat: () => link.run(beatScript, { key, instance: options.instance }),
    leave: () => link.command('ZREM', [key, options.instance]),
    onBack: (beat) => link.onState((state) => state === 'up' && beat()),
  });
}
