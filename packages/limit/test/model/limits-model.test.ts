import { explore, formatTrace, type Model } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { type BatchModelOptions, type BatchVariant, batchModel } from './batch-model.ts';
import { type LeaseModelOptions, type LeaseVariant, leaseModel } from './lease-model.ts';
import { type OutageModelOptions, type OutageVariant, outageModel } from './outage-model.ts';

/** `holds` or the shortest way to the violation. Each space is finite and walked to its end: `unfinished` fails. */
function walk<State>(model: Model<State>): string {
  const found = explore(model);
  return found.outcome === 'holds' ? 'holds' : formatTrace(found);
}

/** Spaces that have been walked already: those of the mutants hold without their mistake, so it is the mistake that was seen. */
const sound = new Map<string, string>();
function holds<Options>(modelOf: (options: Options) => Model<unknown>, options: Options): string {
  const name = `${modelOf.name} ${JSON.stringify(options)}`;
  const known = sound.get(name) ?? walk(modelOf(options));
  sound.set(name, known);
  return known;
}

const bucket: LeaseModelOptions = {
  strategy: 'bucket',
  size: { capacity: 3, tokenTicks: 2 },
  maxAge: 2,
  want: 2,
  parts: 1,
  ticks: 5,
};
const fastBucket: LeaseModelOptions = { ...bucket, size: { capacity: 3, tokenTicks: 1 }, maxAge: 1, ticks: 4 };
const smallLeases: LeaseModelOptions = { ...fastBucket, size: { capacity: 4, tokenTicks: 1 }, want: 1, ticks: 3 };
const window: LeaseModelOptions = { ...bucket, strategy: 'window', windowTicks: 3 };
const manyParts: LeaseModelOptions = {
  ...fastBucket,
  size: { capacity: 9, tokenTicks: 1 },
  parts: 4,
  ticks: 2,
  starvation: 'checked',
};

describe('G2: leases of two holders stay within the bound, and hand-backs create nothing, in every interleaving of', () => {
  const spaces: readonly [string, LeaseModelOptions][] = [
    ['a bucket, exact, with lost commands', { ...bucket, want: 0, ticks: 4, faults: { lost: 2 } }],
    ['a bucket', bucket],
    ['a bucket that refills quickly', fastBucket],
    ['a bucket with many small leases', smallLeases],
    ['a bucket with lost answers and late commands', { ...bucket, ticks: 4, faults: { lost: 1 } }],
    ['a bucket with a killed holder', { ...bucket, ticks: 3, faults: { lost: 1, kill: 1 } }],
    ['a bucket that is forgotten', { ...bucket, ticks: 3, faults: { forget: 1 } }],
    ['a window', window],
    [
      'a window with lost answers, late commands and a killed holder',
      { ...window, ticks: 3, faults: { lost: 1, kill: 1 } },
    ],
    ['a window that is forgotten', { ...window, windowTicks: 2, ticks: 2, faults: { forget: 1 } }],
    ["leases of the protocol's size, which starve nobody", manyParts],
  ];
  test.each(spaces)('%s', (_, options) => {
    expect(holds(leaseModel, options)).toBe('holds');
  });
});

describe('G2: the explorer sees what a wrong lease does:', () => {
  const mutants: readonly [LeaseVariant, RegExp, LeaseModelOptions][] = [
    ['spend before reserve', /tokens were created/, bucket],
    ['age counted from the reply', /admitted 5, the bound is 4/, fastBucket],
    ['age counted from the reply', /admitted 4, the bound is 3/, window],
    ['lease that survives its window', /admitted 4, the bound is 3/, window],
    ['hand-back retried', /tokens were created/, bucket],
    ['hand-back retried', /admitted 4, the bound is 3/, window],
    ['hand-back without its window', /admitted 4, the bound is 3/, window],
    ['hand-back without its age', /tokens were created/, bucket],
    ['hand-back aged by the end of the debt', /tokens were created/, smallLeases],
    ['handed back and kept', /tokens were created/, bucket],
    ['lost reply taken for a grant', /tokens were created/, { ...bucket, ticks: 4, faults: { lost: 1 } }],
    ['lease without regard to the others', /more than half of the capacity/, { ...manyParts, want: 8 }],
  ];
  test.each(mutants)('%s', (variant, reason, options) => {
    expect(walk(leaseModel({ ...options, variant }))).toMatch(reason);
    expect(holds(leaseModel, options)).toBe('holds');
  });
});

const alone: OutageModelOptions = {
  size: { capacity: 2, tokenTicks: 2 },
  instances: 1,
  lastKnown: 1,
  ticks: 6,
  faults: { outage: 1 },
};
const two: OutageModelOptions = { ...alone, instances: 2, lastKnown: 2, ticks: 3 };

describe('G2, G3: with the store away and back, shares stay within their part and no take is charged twice, in every interleaving of', () => {
  const spaces: readonly [string, OutageModelOptions][] = [
    ['one instance and two outages, which leave no burst at their end', { ...alone, faults: { outage: 2 } }],
    ['one instance and a store that comes back empty', { ...alone, faults: { outage: 1, forget: 1 } }],
    ['one instance and takes without an answer', { ...alone, ticks: 4, faults: { outage: 1, unanswered: 2 } }],
    ['two instances and two outages', { ...two, faults: { outage: 2 } }],
    ['two instances and a take without an answer', { ...two, faults: { outage: 1, unanswered: 1 } }],
    ['two instances, one of which nobody knew of', { ...two, lastKnown: 1 }],
  ];
  test.each(spaces)('%s', (_, options) => {
    expect(holds(outageModel, options)).toBe('holds');
  });
});

describe('G3: the explorer sees what a wrong share does:', () => {
  const unanswered = { outage: 1, unanswered: 1 };
  const mutants: readonly [OutageVariant, RegExp, OutageModelOptions][] = [
    ['handed over until answered', /charged twice/, { ...two, faults: unanswered }],
    ['handed over unclamped', /beyond empty/, two],
    ['not handed over', /since the outage began/, alone],
    ['unanswered take handed over too', /charged twice/, { ...two, faults: unanswered }],
    ['refused take charged', /charged twice/, two],
    ['denial reaches the share', /G2: admitted 6, the bound is 4/, two],
    ['share not divided', /shares admitted 6, the bound is 4/, two],
    ['share full at each outage', /shares admitted 6, the bound is 4/, { ...two, faults: { outage: 2 } }],
    ['take sent again', /charged twice/, { ...two, faults: unanswered }],
  ];
  test.each(mutants)('%s', (variant, reason, options) => {
    expect(walk(outageModel({ ...options, variant }))).toMatch(reason);
    expect(holds(outageModel, options)).toBe('holds');
  });
});

const mixed: BatchModelOptions = {
  size: { capacity: 3, tokenTicks: 2 },
  batches: [
    [{ cost: 2, id: 'a' }, { cost: 2 }, { cost: 1 }],
    [{ cost: 2, id: 'a' }, { cost: 1 }],
  ],
  promise: 2,
  notAfter: 1,
  ticks: 6,
  faults: { unanswered: 2 },
};
const repeated: BatchModelOptions = {
  ...mixed,
  ticks: 5,
  size: { capacity: 3, tokenTicks: 1 },
  batches: [[{ cost: 1, id: 'a' }], [{ cost: 1, id: 'a' }], [{ cost: 1, id: 'a' }, { cost: 2 }]],
};
const refused: BatchModelOptions = {
  ...repeated,
  ticks: 3,
  batches: [[{ cost: 3 }], [{ cost: 1, id: 'a' }], [{ cost: 1, id: 'a' }]],
};

describe('G2: takes of one batch end as if sent one by one, and an id is charged once, in every interleaving of', () => {
  const spaces: readonly [string, BatchModelOptions][] = [
    ['two batches with costs and a common id', mixed],
    ['an id three times, each of them late', { ...repeated, faults: { unanswered: 3 } }],
    ['an id that is refused at first', refused],
    ['a store that forgets ids with what they charged', { ...mixed, faults: { unanswered: 1, forget: 1 } }],
  ];
  test.each(spaces)('%s', (_, options) => {
    expect(holds(batchModel, options)).toBe('holds');
  });
});

describe('G2: the explorer sees what a wrong batch does:', () => {
  const mutants: readonly [BatchVariant, RegExp, BatchModelOptions][] = [
    ['id forgotten with the promise', /the id "a" is charged 2 times/, repeated],
    ['late command charges at any time', /the id "a" is charged 2 times/, repeated],
    ['id remembered after the answer', /the id "a" is charged 2 times/, repeated],
    ['id of a refused take remembered', /allowed for nothing/, refused],
    ['denied member charged', /the bound is 6/, mixed],
    ['denial ends the batch', /take 3 is denied, sent alone it would have been allowed/, mixed],
    ['batch charged as a whole', /sent alone it would have been allowed/, mixed],
    ['late answer settles again', /is answered twice/, mixed],
  ];
  test.each(mutants)('%s', (variant, reason, options) => {
    expect(walk(batchModel({ ...options, variant }))).toMatch(reason);
    expect(holds(batchModel, options)).toBe('holds');
  });
});
