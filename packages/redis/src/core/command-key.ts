type Argument = string | number | Uint8Array;

/** Commands that touch no key, or all of them: any node will do. */
const KEYLESS = new Set(
  (
    'ACL AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DEBUG ECHO FLUSHALL FLUSHDB FUNCTION HELLO INFO ' +
    'KEYS LASTSAVE LATENCY LOLWUT MODULE PING PUBLISH PUBSUB RANDOMKEY ROLE SAVE SCAN SCRIPT SHUTDOWN SLOWLOG SWAPDB TIME WAIT'
  ).split(' '),
);

/** Commands whose first argument is a subcommand or an operator, and whose second is the key. */
const KEY_SECOND = new Set(['OBJECT', 'XGROUP', 'XINFO', 'BITOP', 'MEMORY']);

/** Commands that count their keys: where the count stands. */
const COUNTED = new Map([
  ['EVAL', 1],
  ['EVALSHA', 1],
  ['EVAL_RO', 1],
  ['EVALSHA_RO', 1],
  ['FCALL', 1],
  ['FCALL_RO', 1],
  ['ZUNION', 0],
  ['ZINTER', 0],
  ['ZDIFF', 0],
  ['SINTERCARD', 0],
  ['ZINTERCARD', 0],
  ['LMPOP', 0],
  ['ZMPOP', 0],
  ['BLMPOP', 1],
  ['BZMPOP', 1],
]);

/** The first key a command touches, which decides its node on a Cluster; undefined when it touches none. */
export function keyOfCommand(name: string, args: readonly Argument[]): string | Uint8Array | undefined {
  const command = name.toUpperCase();
  if (KEYLESS.has(command)) return undefined;
  const counted = COUNTED.get(command);
  if (counted !== undefined) return Number(args[counted]) > 0 ? toKey(args[counted + 1]) : undefined;
  if (KEY_SECOND.has(command)) return toKey(args[1]);
  if (command === 'XREAD' || command === 'XREADGROUP') {
    const streams = args.findIndex((arg) => typeof arg === 'string' && arg.toUpperCase() === 'STREAMS');
    return streams < 0 ? undefined : toKey(args[streams + 1]);
  }
  return toKey(args[0]);
}

const toKey = (arg: Argument | undefined): string | Uint8Array | undefined =>
  typeof arg === 'number' ? String(arg) : arg;
