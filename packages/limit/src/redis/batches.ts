import { type Clock, StoreUnavailableError } from '@spillway/kernel';
import { type RedisLink, RedisReplyError, ScriptReplyError, slotOf } from '@spillway/redis';
import { LIMIT_SCRIPT, type LimitScript } from './limit-script.ts';
import { type Member, NOTHING_LENT, readLent, readVerdicts } from './member.ts';

/** Of one script call: it keeps the server from everything else while it runs. */
const MOST = 256;

/** Once is enough, unless the store's clock went back over a period while others take and refund at the same time. */
const MOST_MOMENTS = 16;

/** What goes to one server, or one slot of a Cluster. */
interface Line {
  members: Member[];
  /** The last time that the store told, and when that was, in milliseconds of this process's monotonic clock. */
  heardUs: number;
  heardAtMs: number;
  readonly flush: () => void;
}

export interface Batches {
  /** It leaves with the others of this turn of the event loop, in their order. */
  add(member: Member): void;
}

/**
 * Calls of one turn of the event loop travel as one script. Its answers are those that they would have got one by one; an error
 * of the link is everybody's, one of a key its caller's alone.
 */
export function createBatches(
  link: Pick<RedisLink, 'gather' | 'run' | 'topology'>,
  script: LimitScript,
  clock: Clock | undefined,
): Batches {
  const isCluster = link.topology === 'cluster';
  // At most one for each of the 16,384 slots.
  const lines = new Map<number, Line>();

  const lineOf = (member: Member): Line => {
    const slot = isCluster ? slotOf(member.keys[0] ?? '') : 0;
    const known = lines.get(slot);
    if (known !== undefined) return known;
    const line: Line = { members: [], heardUs: 0, heardAtMs: 0, flush: () => flush(line) };
    lines.set(slot, line);
    return line;
  };

  const add = (member: Member): void => {
    const line = lineOf(member);
    if (line.members.push(member) === 1) link.gather(member.keys[0] ?? '', line.flush);
  };

  const flush = (line: Line): void => {
    const { members } = line;
    line.members = [];
    for (let at = 0; at < members.length; at += MOST) {
      send(line, members.length <= MOST ? members : members.slice(at, at + MOST));
    }
  };

  const send = (line: Line, members: readonly Member[]): void => {
    const nowUs = clock?.nowUs();
    const sinceUs = Math.floor((performance.now() - line.heardAtMs) * 1000);
    const heard = nowUs !== undefined || line.heardUs > 0;
    const aroundUs = nowUs ?? (heard ? line.heardUs + sinceUs : Date.now() * 1000);
    link.run(script, { members, nowUs, aroundUs, heard }).then(
      (reply) => {
        try {
          settle(line, members, reply);
        } catch (error) {
          for (const member of members) member.reject(error);
        }
      },
      (error) => {
        // The script, and the server before it, refuse with an error only what has not been charged.
        const told = error instanceof RedisReplyError ? error.withoutEffect() : error;
        for (const member of members) member.reject(told);
      },
    );
  };

  const settle = (line: Line, members: readonly Member[], reply: readonly unknown[]): void => {
    let at = 0;
    const numbers = {
      take(): number {
        const number = reply[at];
        at += 1;
        if (Number.isSafeInteger(number)) return number as number;
        throw new ScriptReplyError(LIMIT_SCRIPT, `an integer at ${at - 1}`, reply);
      },
    };
    const atUs = numbers.take();
    line.heardUs = atUs;
    line.heardAtMs = performance.now();
    for (const member of members) {
      const status = numbers.take();
      switch (status) {
        case 0:
          member.resolve(readVerdicts(member, 'denied', numbers), atUs, NOTHING_LENT);
          break;
        case 1: {
          const verdicts = readVerdicts(member, 'allowed', numbers);
          member.resolve(verdicts, atUs, readLent(member, numbers));
          break;
        }
        case 2:
          member.resolve([], atUs, NOTHING_LENT);
          break;
        case 3: {
          const moments = member.set.policies.map(() => numbers.take());
          sendAgain(member, moments, MOST_MOMENTS);
          break;
        }
        case 4:
          sendAgain(member, member.moments, 2);
          break;
        case 5:
        case 6: {
          const error = new RedisReplyError(LIMIT_SCRIPT, String(reply[at]));
          member.reject(status === 5 ? error.withoutEffect() : error);
          at += 1;
          break;
        }
        default:
          throw new ScriptReplyError(LIMIT_SCRIPT, `what became of a call at ${at - 1}`, reply);
      }
    }
  };

  /** Nothing was done, and somebody still waits: nothing is repeated. */
  const sendAgain = (member: Member, moments: readonly number[] | undefined, most: number): void => {
    if (member.again >= most) {
      member.reject(new StoreUnavailableError(LIMIT_SCRIPT, undefined, 'has a clock that jumps'));
      return;
    }
    member.again += 1;
    member.moments = moments;
    add(member);
  };

  return { add };
}
