import { type Contestant, cloning, load, sharing } from '../contestants/cached-gets.ts';
import { defineBench, type Figure, inTurns, median, medianRatio } from '../harness.ts';

const KEYS = Array.from({ length: 1_000 }, (_, i) => `user:${i}`);

export const bench = defineBench({
  name: 'cache-hit',
  question: 'How long does a get take whose value is in memory?',
  async run({ size, log }) {
    const [rounds, passes] = size === 'full' ? [7, 30] : [1, 1];
    const shared = await measure(sharing(), 'shared', rounds, passes);
    log('values shared: done');
    const cloned = await measure(cloning(), 'own', rounds, passes);
    const names = [...new Set([...shared.keys(), ...cloned.keys()])];
    const figures: Figure[] = names.map((contestant) => ({
      contestant,
      values: {
        ...column('ns/get', shared.get(contestant)),
        ...column('ns/get, a copy each', cloned.get(contestant)),
      },
    }));
    const [ours, best, peer] = bestPeer(shared);
    const [oursCloned, bestCloned, peerCloned] = bestPeer(cloned);
    return {
      figures,
      ratios: [
        {
          what: `gets/s to the best peer, ${peer}`,
          value: medianRatio(best, ours),
          bar: 1.5,
          beyond: 3,
          better: 'higher',
        },
        {
          what: `gets/s with a copy each to the best peer, ${peerCloned}`,
          value: medianRatio(bestCloned, oursCloned),
          better: 'higher',
        },
      ],
      checked:
        'every contestant gave the loaded value of each key, without another load; a copy where copies are asked for.',
      notes: [
        '1,000 keys one after the other, each get awaited, one process. The peers are as quick as their documentation knows how to make them: no serialization, no copies, `get` as well as get-or-load. A copy is made by the library where it can, else by `structuredClone`.',
      ],
      chart: 'ns/get',
    };
  },
});

const column = (name: string, rounds: readonly number[] | undefined) =>
  rounds === undefined ? {} : { [name]: median(rounds) };

/** Nanoseconds for one get, round by round. */
async function measure(
  contestants: readonly Contestant[],
  values: 'shared' | 'own',
  rounds: number,
  passes: number,
): Promise<Map<string, readonly number[]>> {
  for (const { fill } of contestants) for (const key of KEYS) await fill?.(key, await load(key));
  for (const contestant of contestants) await check(contestant, values);
  const run = async (get: Contestant['get'], count: number): Promise<number> => {
    const began = performance.now();
    for (let pass = 0; pass < count; pass += 1) for (const key of KEYS) await get(key);
    return ((performance.now() - began) * 1e6) / (count * KEYS.length);
  };
  for (const { get } of contestants) await run(get, passes);
  const taken = await inTurns(
    rounds,
    Object.fromEntries(contestants.map(({ name, get }) => [name, () => run(get, passes)])),
  );
  for (const contestant of contestants) await check(contestant, values);
  return new Map(Object.entries(taken));
}

async function check({ name, get }: Contestant, values: 'shared' | 'own'): Promise<void> {
  for (const key of KEYS) {
    await get(key);
    const [value, again] = [await get(key), await get(key)];
    if (JSON.stringify(value) !== JSON.stringify(await load(key)))
      throw new Error(`${name} has a wrong value for ${key}`);
    if ((value === again) !== (values === 'shared')) throw new Error(`${name} does not keep to ${values} values`);
  }
}

function bestPeer(
  taken: ReadonlyMap<string, readonly number[]>,
): [ours: readonly number[], best: readonly number[], peer: string] {
  const [[, ours], ...peers] = [...taken] as [[string, readonly number[]], ...[string, readonly number[]][]];
  const [peer, best] = peers.reduce((a, b) => (median(a[1]) <= median(b[1]) ? a : b));
  return [ours, best, peer];
}
