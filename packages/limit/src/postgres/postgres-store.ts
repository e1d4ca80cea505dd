import { type Clock, ConfigurationError, type SqlRunner, type SqlValue, StoreUnavailableError } from '@spillway/kernel';
import { LATE_US, type LimitStore, REMEMBER_US } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { idDigest, lockOf, subjectDigest } from './digests.ts';
import { namesOf, numbersOf, POSTGRES_STRATEGIES } from './encode-policies.ts';
import { createStoreClock } from './store-clock.ts';
import { parseReply, type StoreReply } from './store-reply.ts';
import { verdictsOf } from './words.ts';

export interface PostgresLimitStoreOptions {
  /** On PostgreSQL, where `limitMigrations` have run. Borrowed; deadlines are its own. */
  readonly sql: SqlRunner;
  /** For tests only: takes the place of the server's clock, which otherwise rules all instances alike. */
  readonly clock?: Clock;
}

// Each is one statement outside of a transaction, so that its lock ends with it.
const TAKE = 'SELECT limit_take($1, $2, $3, $4, $5, $6, $7, $8, $9) AS reply';
const TAKE_OWING = 'SELECT limit_take_owing($1, $2, $3, $4, $5, $6, $7, $8) AS reply';
const PEEK = 'SELECT limit_peek($1, $2, $3) AS reply';
const REFUND = 'SELECT limit_refund($1, $2, $3, $4, $5, $6, $7, $8) AS reply';
const BLOCK = 'SELECT limit_block($1, $2, $3, $4, $5) AS reply';
const RESET = 'SELECT limit_reset($1, $2, $3, $4) AS reply';

/** Asked anew with the time that it told, the store decides, unless its clock leaps or it takes seconds each time. */
const ATTEMPTS = 3;

/**
 * Limits shared by all instances, in PostgreSQL: one statement per take, whatever the number of its policies, by the server's clock.
 * Its table is UNLOGGED: after a crash of the server limits start anew.
 * @throws {ConfigurationError} when `sql` is not PostgreSQL
 */
export function postgresLimitStore({ sql, clock }: PostgresLimitStoreOptions): LimitStore {
  if (sql.dialect !== 'postgres') {
    throw new ConfigurationError('The PostgreSQL limit store is set up wrong:', [
      {
        path: 'sql',
        message: `must run on PostgreSQL, got "${sql.dialect}"; a process with a database of its own takes memoryLimitStore()`,
      },
    ]);
  }
  const storeClock = createStoreClock(clock);
  const testUs = () => clock?.nowUs() ?? null;

  async function ask(policies: readonly Policy[], text: string, values: readonly SqlValue[]): Promise<StoreReply> {
    const { rows } = await sql.query<{ reply: unknown }>(text, values);
    const reply = parseReply(rows[0]?.reply, policies);
    storeClock.heard(reply.nowUs);
    return reply;
  }

  /** `late` and `outside` did nothing: the same once more, with what the answer brought, charges nothing twice. */
  async function decide(
    operation: string,
    policies: readonly Policy[],
    send: (numbers: string) => Promise<StoreReply>,
  ): Promise<StoreReply> {
    const nearUs = storeClock.nearUs();
    let numbers = numbersOf(policies, () => nearUs);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const reply = await send(numbers);
      if (reply.word === 'outside') numbers = numbersOf(policies, (at) => momentOf(reply, at));
      else if (reply.word !== 'late') return reply;
    }
    throw new StoreUnavailableError(operation, undefined, 'took too long, or its clock leaps: it charged nothing');
  }

  return {
    scope: 'shared',
    strategies: POSTGRES_STRATEGIES,
    async take(key, policies, cost, id) {
      const subject = subjectDigest(key);
      const known = id === undefined ? null : idDigest(key, policies, id);
      const reply = await decide('limit_take', policies, (numbers) =>
        ask(policies, TAKE, [
          lockOf(subject),
          subject,
          namesOf(policies),
          numbers,
          cost,
          testUs(),
          known,
          known === null ? null : storeClock.notAfterUs(),
          // A take may be repeated for so long, and the repeat come so late.
          REMEMBER_US + LATE_US,
        ]),
      );
      return { verdicts: verdictsOf(reply, policies, cost), atUs: reply.nowUs };
    },
    async takeOwing(key, policies, cost, owed) {
      const subject = subjectDigest(key);
      const reply = await decide('limit_take_owing', policies, (numbers) => {
        const values = [lockOf(subject), subject, namesOf(policies), numbers, cost, testUs()];
        const [units, givenAt] = [owed.map((each) => each.units), owed.map(({ atUs }) => atUs)];
        return ask(policies, TAKE_OWING, [...values, `{${units.join()}}`, `{${givenAt.join()}}`]);
      });
      return { verdicts: verdictsOf(reply, policies, cost), atUs: reply.nowUs };
    },
    async peek(key, policies, cost) {
      // Refuses those that it can not count by.
      numbersOf(policies, storeClock.nearUs);
      const values = [subjectDigest(key), namesOf(policies), testUs()];
      return verdictsOf(await ask(policies, PEEK, values), policies, cost);
    },
    async refund(key, policies, { cost, takenAtUs, id }) {
      const subject = subjectDigest(key);
      const known = id === undefined ? null : idDigest(key, policies, id);
      await decide('limit_refund', policies, (numbers) => {
        const values = [subject, namesOf(policies), numbers, cost, testUs(), takenAtUs ?? null, known];
        return ask(policies, REFUND, [lockOf(subject), ...values]);
      });
    },
    async block(key, policies, forUs) {
      const subject = subjectDigest(key);
      await ask(policies, BLOCK, [lockOf(subject), subject, namesOf(policies), testUs(), forUs]);
    },
    async reset(key, policies) {
      const subject = subjectDigest(key);
      await ask(policies, RESET, [lockOf(subject), subject, namesOf(policies), testUs()]);
    },
  };
}

/** By whose window it would have decided: that of its time, or of a state that a clock which went back has left behind it. */
function momentOf({ nowUs, stored }: StoreReply, at: number): number {
  const state = stored[at]?.state;
  return state !== undefined && 'startUs' in state ? Math.max(nowUs, state.startUs) : nowUs;
}
