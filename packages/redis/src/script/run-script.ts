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
export async function runScript<Input, Reply>(
  send: Send,
  script: RedisScript<Input, Reply>,
  input: Input,
  options?: CommandOptions,
): Promise<Reply> {
  const keys = script.keys(input);
  const rest: RedisArgument[] = [keys.length, ...keys, ...script.args(input)];
  let raw: unknown;
  try {
    raw = await send('EVALSHA', [script.sha1, ...rest], options, script.name);
  } catch (error) {
    if (!(error instanceof RedisReplyError) || error.reply !== 'NOSCRIPT') throw error;
    raw = await send('EVAL', [script.source, ...rest], options, script.name);
  }
  return script.reply(raw);
}
