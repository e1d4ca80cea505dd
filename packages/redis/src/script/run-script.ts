import { RedisReplyError } from '../errors.ts';
import type { CommandOptions, RedisArgument } from '../link.ts';
import type { RedisScript } from './define-script.ts';

/** How a link sends: as `command`, with another name for the operation in errors and metrics. */
export type Send = (
  name: string,
  args: readonly RedisArgument[],
  options: CommandOptions | undefined,
  operation: string,
) => Promise<unknown>;

/**
 * EVALSHA first. NOSCRIPT says that the script did not run, so sending it whole is no second try and charges nothing twice;
 * it happens once per script after a restart, a fail-over or a SCRIPT FLUSH. Any other error ends the run: a script that was
 * sent may have run.
 */
export function runScript<Input, Reply>(
  send: Send,
  script: RedisScript<Input, Reply>,
  input: Input,
  options?: CommandOptions,
): Promise<Reply> {
  let args: RedisArgument[];
  try {
    const keys = script.keys(input);
    args = [script.sha1, keys.length, ...keys, ...script.args(input)];
  } catch (error) {
    return Promise.reject(error);
  }
  // Not an async function: this is the hot path of limits, and each promise in between is a turn of its queue.
  return send('EVALSHA', args, options, script.name).then(script.reply, (error) => {
    if (!(error instanceof RedisReplyError) || error.reply !== 'NOSCRIPT') throw error;
    return send('EVAL', [script.source, ...args.slice(1)], options, script.name).then(script.reply);
  });
}
