import { StoreUnavailableError } from '@spillway/kernel';
import { createKeys, type RedisLink, RedisReplyError } from '@spillway/redis';
import type { Logger } from '../log.ts';
import { StartupError } from '../startup-error.ts';

/** How long a start waits for Redis, which it can do without. */
const PATIENCE = '300ms';
const NO_ENTRY = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

/**
 * A Redis that is away is no reason not to start; one that refuses this user is, since that will not mend itself.
 * @throws {StartupError} naming every right that is missing
 */
export async function checkRedis(link: RedisLink, { prefix, log }: { prefix: string; log: Logger }): Promise<void> {
  try {
    await link.ready({ timeout: PATIENCE });
  } catch (error) {
    const cause = error instanceof StoreUnavailableError ? error.cause : error;
    const said = cause instanceof Error ? cause.message : String(cause);
    if (NO_ENTRY.test(said)) {
      throw new StartupError(
        `REDIS: ${link.name} refused the user or the password (${said}); mend them in its URL or settings`,
      );
    }
    log.warn({ link: link.name, said }, 'Redis does not answer; going on without it until it does');
    return;
  }
  const missing = await missingRights(link, prefix);
  if (missing.length > 0)
    throw new StartupError(`REDIS: ${link.name} takes this user, but not all it has to do:\n  ${missing.join('\n  ')}`);
  link.inspect().then(
    ({ risks }) => {
      for (const risk of risks) log.warn({ link: link.name }, risk);
    },
    (error) => log.debug({ err: error, link: link.name }, 'Redis was not inspected'),
  );
}

/** What the server says to commands that change nothing, one of each kind that we need. */
async function missingRights(link: RedisLink, prefix: string): Promise<readonly string[]> {
  const key = createKeys({ prefix, package: 'links', version: 1 })('rights', 'probe');
  const probes: readonly (readonly [string, readonly (string | number)[]])[] = [
    ['GET', [key]],
    ['EVAL', ["return redis.call('EXISTS', KEYS[1])", 1, key]],
    ['XADD', [key, 'NOMKSTREAM', '*', 'probe', '1']],
    ['ZREM', [key, 'probe']],
    ['PUBLISH', [`${prefix}:rights`, '']],
  ];
  const answers = await Promise.all(
    probes.map(([name, args]) =>
      link.command(name, args).then(
        () => undefined,
        // Anything but a missing right will show, or mend itself, later.
        (error: unknown) =>
          error instanceof RedisReplyError && /\bNOPERM\b/.test(error.message) ? error.message : undefined,
      ),
    ),
  );
  return answers.filter((answer) => answer !== undefined);
}
