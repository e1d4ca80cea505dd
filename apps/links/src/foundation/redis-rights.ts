import { createKeys, type RedisLink, RedisReplyError } from '@spillway/redis';
import { refusedLua } from './redis-rights.lua.ts';

/** What a Redis is for: the cache may have one of its own. */
export type RedisUse = 'cache' | 'state';

/** Commands as they change nothing, `@` being a key that is not there: what we send by itself, and what our scripts call. */
const COMMANDS: Readonly<
  Record<RedisUse, { readonly sent: readonly string[]; readonly inScripts: readonly string[] }>
> = {
  cache: {
    sent: ['GET @', 'MGET @', 'SET @ 1 XX', 'TIME'],
    inScripts: ['EXISTS @', 'GET @', 'GETRANGE @ 0 0', 'SET @ 1 XX', 'TIME', 'UNLINK @'],
  },
  state: {
    sent: [
      'TIME',
      'UNLINK @',
      'ZREM @ probe',
      'XADD @ NOMKSTREAM * probe 1',
      'XGROUP CREATE @ probe 0',
      'XREADGROUP GROUP probe probe COUNT 1 STREAMS @ >',
      'XAUTOCLAIM @ probe probe 60000 0',
    ],
    inScripts: [
      'DEL @',
      'EXISTS @',
      'GET @',
      'HGET @ probe',
      'HINCRBY @ probe nothing',
      'HSET @ probe 1 odd',
      'PTTL @',
      'SET @ 1 XX',
      'TIME',
      'XACK @ probe 0-1',
      'XDEL @ 0-1',
      'XGROUP CREATE @ probe 0',
      'XINFO GROUPS @',
      'XPENDING @ probe',
      'XRANGE @ - +',
      'XTRIM @ MAXLEN 0',
      'ZADD @ XX 0 probe',
      'ZCARD @',
      'ZREMRANGEBYSCORE @ 0 0',
      'INCR @',
      'PEXPIRE @ 0',
    ],
  },
};

/** How long a channel may take to be confirmed by a Redis that answers everything else at once. */
const SUBSCRIBE_MS = 2_000;

/** What the server refuses of all that we need of it, each with the right to grant. */
export async function missingRights(
  link: RedisLink,
  { prefix, uses }: { prefix: string; uses: readonly RedisUse[] },
): Promise<readonly string[]> {
  const key = createKeys({ prefix, package: 'links', version: 1 })('rights', 'probe');
  const channel = `${prefix}:rights`;
  const sent = uses.flatMap((use) => COMMANDS[use].sent).map((line) => wordsOf(line, key));
  const inScripts = [...new Set(uses.flatMap((use) => COMMANDS[use].inScripts))];
  const refusals = await Promise.all([
    ...sent.map(([name = '', ...args]) => refusalOf(link.command(name, args))),
    refusalOf(link.command('EVALSHA', ['0'.repeat(40), 1, key])),
    refusalOf(
      link.command<string[]>('EVAL', [refusedLua, 1, key, ...inScripts]),
      (names) =>
        names.length > 0 && `Scripts may not call ${names.join(', ')}; allow +${names.join(' +').toLowerCase()}`,
    ),
    ...(uses.includes('state')
      ? [refusalOf(link.command('PUBLISH', [channel, ''])), subscribeRefusal(link, channel)]
      : []),
  ]);
  return [...new Set(refusals.filter((refusal) => refusal !== undefined))];
}

const wordsOf = (line: string, key: string) => line.split(' ').map((word) => (word === '@' ? key : word));

async function refusalOf<Reply>(
  asked: Promise<Reply>,
  judge: (reply: Reply) => string | false = () => false,
): Promise<string | undefined> {
  try {
    return judge(await asked) || undefined;
  } catch (error) {
    // Anything but a missing right will show, or mend itself, later.
    return error instanceof RedisReplyError && /\bNOPERM\b/.test(error.message) ? error.message : undefined;
  }
}

/** A link tries to subscribe for ever and tells nobody why it can not: who answers, and does not confirm, refuses. */
async function subscribeRefusal(link: RedisLink, channel: string): Promise<string | undefined> {
  const { promise: outcome, resolve } = Promise.withResolvers<'confirmed' | 'silent'>();
  const late = setTimeout(() => resolve('silent'), SUBSCRIBE_MS);
  const subscription = link.subscribe(channel, { message: () => undefined, whole: () => resolve('confirmed') });
  const answer = await outcome;
  clearTimeout(late);
  await subscription.close();
  if (answer === 'confirmed') return undefined;
  const answers = await link.command('PING', []).then(
    () => true,
    () => false,
  );
  return answers ? `SUBSCRIBE to "${channel}" is not confirmed; allow +subscribe and the channels` : undefined;
}
