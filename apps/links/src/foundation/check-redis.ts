import { StoreUnavailableError } from '@spillway/kernel';
import { type RedisLink, RedisReplyError } from '@spillway/redis';
import type { Logger } from '../log.ts';
import { StartupError } from '../startup-error.ts';
import { missingRights, type RedisUse } from './redis-rights.ts';

/** How long a start waits for Redis, which it can do without. */
const PATIENCE = '300ms';
const NO_ENTRY = /^(NOAUTH|WRONGPASS|NOPERM)\b/;

/**
 * A Redis that is away is no reason not to start; one that refuses this user is, since that will not mend itself.
 * @throws {StartupError} naming every right that is missing
 */
export async function checkRedis(
  link: RedisLink,
  { prefix, uses, log }: { prefix: string; uses: readonly RedisUse[]; log: Logger },
): Promise<void> {
  try {
    await link.ready({ timeout: PATIENCE });
  } catch (error) {
    const cause = error instanceof StoreUnavailableError ? error.cause : error;
    const said = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof RedisReplyError) throw new StartupError(`REDIS: ${link.name} can not be used as set: ${said}`);
    if (NO_ENTRY.test(said)) {
      throw new StartupError(
        `REDIS: ${link.name} refused the user or the password (${said}); mend them in its URL or settings`,
      );
    }
    log.warn({ link: link.name, said }, 'Redis does not answer; going on without it until it does');
    return;
  }
  const missing = await missingRights(link, { prefix, uses });
  if (missing.length > 0)
    throw new StartupError(`REDIS: ${link.name} takes this user, but not all it has to do:\n  ${missing.join('\n  ')}`);
  // A cache of its own may evict, and forget.
  if (!uses.includes('state')) return;
  // Risks only: none of the service's promises stands on what the notes speak of.
  link.inspect().then(
    ({ risks }) => {
      for (const risk of risks) log.warn({ link: link.name }, risk);
    },
    (error) => log.debug({ err: error, link: link.name }, 'Redis was not inspected'),
  );
}
