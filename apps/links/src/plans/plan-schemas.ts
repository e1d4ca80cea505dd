import { z } from 'zod';
import { fieldError } from '../http/problem.ts';
import { saying, sayingLength } from '../http/saying.ts';

const MOST_POLICIES = 20;

const nameSays = saying('must be 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit');
export const planParams = z.object({ name: z.string(nameSays).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, nameSays) });

const policyList = z
  .array(z.record(z.string(), z.unknown(), saying('must be a policy')), saying('must be a list of policies'))
  .max(MOST_POLICIES, sayingLength(`must have at most ${MOST_POLICIES} policies`));

export const planBody = z
  .strictObject(
    {
      policies: policyList.describe(
        'At least one; a call is charged by all of them, or by none. `{ "strategy": "token-bucket", "name": "minute", "capacity": 10, "refill": { "tokens": 10, "every": "1m" } }`. Strategies: token-bucket, gcra, fixed-window, quota; in memory and Redis also sliding-window and sliding-log.',
      ),
      shadow: policyList.optional().describe('Policies that are counted, and never refuse. Default: none.'),
      mode: z
        .enum(['exact', 'lease'], saying('must be exact or lease'))
        .optional()
        .describe('Default `exact`. `lease`: busy keys are decided by units reserved ahead, without a round trip.'),
      default: z
        .boolean(saying('must be true or false'))
        .optional()
        .describe(
          'Whether every key has this plan that was given none. Left out: as it was. At most one plan of the database is that.',
        ),
    },
    saying('must be an object with "policies"'),
  )
  .meta({ id: 'NewPlan' });

const policies = z.array(z.record(z.string(), z.unknown()));

export const planAnswer = z
  .object({
    name: z.string(),
    policies,
    shadow: policies,
    mode: z.enum(['exact', 'lease']),
    default: z.boolean().describe('Whether every key has it that was given none.'),
    source: z.enum(['database', 'file', 'shipped']).describe('Where it comes from.'),
    hides: z
      .enum(['file', 'shipped'])
      .nullable()
      .describe(
        'Of one in the database: whether it stands in place of one of that name, which is back once it is deleted.',
      ),
    updatedAt: z.iso.datetime().nullable().describe('Of one in the database.'),
  })
  .meta({ id: 'Plan' });

export const plansAnswer = z
  .object({
    data: z.array(planAnswer).describe('The plans that are in force, by name.'),
    wrong: z
      .array(z.object({ name: z.string(), errors: z.array(fieldError) }))
      .describe('Plans in the database that are passed over: written past the API, or for another store.'),
    file: z
      .object({ error: z.string() })
      .nullable()
      .describe('What is wrong with `PLANS_FILE` now, where its last right plans stay in force.'),
  })
  .meta({ id: 'Plans', description: 'The plans that are in force.' });
