import { ConfigurationError } from '@spillway/kernel';

/** Commands that change the connection, which everybody shares, or that a link has another way for. */
const REFUSED = new Map<string, string>([
  ...(['SELECT', 'AUTH', 'HELLO', 'RESET', 'QUIT', 'MONITOR', 'READONLY', 'READWRITE', 'ASKING'] as const).map(
    (name) => [name, 'it would change the connection that all commands share; set it in connectRedis'] as const,
  ),
  ...(['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'UNWATCH'] as const).map(
    (name) => [name, 'commands of others would fall into the transaction; use a script'] as const,
  ),
  ...(['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE'] as const).map(
    (name) => [name, 'use link.subscribe()'] as const,
  ),
]);

const BLOCKING = new Set('BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF'.split(' '));

/** Names found harmless, as they were written: one look-up per command. */
const fine = new Set<string>();
const MAX_FINE = 1_000;

/**
 * @throws {ConfigurationError} when `name` must not be sent on a shared connection, or, unless `dedicated`, would block it
 */
export function checkCommand(name: string, args: readonly (string | number | Uint8Array)[], dedicated: boolean): void {
  if (fine.has(name)) return;
  const command = name.toUpperCase();
  const why = REFUSED.get(command);
  if (why !== undefined) throw new ConfigurationError(`"${name}" can not be sent over a link: ${why}`);
  const reading = command === 'XREAD' || command === 'XREADGROUP';
  const blocks =
    BLOCKING.has(command) || (reading && args.some((arg) => typeof arg === 'string' && /^block$/i.test(arg)));
  if (blocks && !dedicated) {
    throw new ConfigurationError(`"${name}" would block everybody's commands; send it over link.dedicated()`);
  }
  if (!blocks && !reading && fine.size < MAX_FINE) fine.add(name);
}
