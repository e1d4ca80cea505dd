import { StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { memoryOtpRecords } from '../../otp/index.ts';
import { fixture, handClock, settle } from '../fixture.ts';
import { memoryBuses } from '../memory-bus.ts';
import { memoryCacheStore } from '../memory-cache-store.ts';
import { type Chaos, type ChaosOptions, createChaos, type Fault } from './chaos.ts';
import { chaosBus } from './chaos-bus.ts';
import { chaosCacheStore } from './chaos-cache-store.ts';
import { chaosLoader, chaosPort } from './chaos-port.ts';

/** Time passes when the test says so. */
function byHand(weather: ChaosOptions['weather'] = {}): { chaos: Chaos; pass: () => Promise<void> } {
  const waiting: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const pass = async () => {
    for (const resume of waiting.splice(0)) resume();
    await settle();
  };
  return { chaos: createChaos({ seed: 1, weather, wait }), pass };
}

describe('createChaos', () => {
  test('the same seed meets the same faults, in the shares that the weather says', async () => {
    const weather = { refuse: 0.1, loseReply: 0.1, late: 0.1, slow: 0.1, lose: 0.1 };
    const run = async (seed: number) => {
      const chaos = createChaos({ seed, weather, wait: async () => undefined });
      const outcomes: string[] = [];
      for (let call = 0; call < 2_000; call += 1) {
        outcomes.push(await chaos.call('GET', async () => 'ok').catch((error: Error) => error.message));
        chaos.strikes('lose');
      }
      return { outcomes, struck: chaos.struck };
    };
    const first = await run(7);
    expect(await run(7)).toEqual(first);
    expect((await run(8)).outcomes).not.toEqual(first.outcomes);
    // 200 expected of each, with a standard deviation of 13.4: six of them.
    for (const fault of ['refuse', 'loseReply', 'late', 'slow', 'lose'] as const) {
      expect([fault, Math.abs(first.struck[fault] - 200) < 80]).toEqual([fault, true]);
    }
    expect(first.struck.hang).toBe(0);
  });

  test('each fault is what it is called', async () => {
    const { chaos, pass } = byHand();
    let done = 0;
    const under = (fault: Fault): Promise<string> => {
      chaos.weather = { [fault]: 1 };
      return chaos.call('SET', async () => {
        done += 1;
        return 'ok';
      });
    };
    await expect(under('refuse')).rejects.toMatchObject({ mayHaveRun: false });
    expect(done).toBe(0);
    await expect(under('loseReply')).rejects.toMatchObject({ mayHaveRun: true });
    expect(done).toBe(1);
    await expect(under('late')).rejects.toThrow(StoreUnavailableError);
    expect(done).toBe(1);
    await pass();
    expect(done).toBe(2);
    const slow = under('slow');
    await settle();
    expect(done).toBe(2);
    await pass();
    expect([await slow, done]).toEqual(['ok', 3]);
    let answered = false;
    void under('hang').finally(() => {
      answered = true;
    });
    await pass();
    expect([answered, done]).toEqual([false, 3]);
  });

  test('refuses weather that there is not', () => {
    const chaos = createChaos({ seed: 1 });
    expect(() => createChaos({ seed: 1, weather: { late: 2 } })).toThrow('late: must be from 0 to 1, got 2');
    expect(() => {
      chaos.weather = { late: 0.6, slow: 0.6 };
    }).toThrow('at most 1 together, got 1.2');
  });
});

describe('the doubles', () => {
  test('a store loses an entry for all who share it, with its token', async () => {
    const { chaos } = byHand();
    const store = chaosCacheStore(memoryCacheStore(handClock()), chaos);
    const [one, other] = [store.open('c'), store.open('c')];
    const claim = await one.claim('k', 10_000);
    const fill = { text: 'v', freshForMs: 60_000, keepForMs: 60_000, loadedAgoMs: 0 };
    await one.fill('k', { ...fill, token: claim.token });
    expect(await other.read('k')).toMatchObject({ kind: 'value' });
    chaos.weather = { lose: 1 };
    expect(await one.read('k')).toEqual({ kind: 'absent' });
    chaos.weather = {};
    expect(await other.read('k')).toEqual({ kind: 'absent' });
    expect(await other.fill('k', { ...fill, token: claim.token })).toBe('refused');
    expect((await store.open('other').claim('k', 10_000)).kind).toBe('claimed');
  });

  test('a bus notices what it lost, unless it is to be broken, and keeps the order of what is late', async () => {
    const { chaos, pass } = byHand();
    const next = memoryBuses();
    const [here, there] = [next(), next()];
    const bus = chaosBus(there, chaos);
    const broken = chaosBus(there, chaos, { losses: 'unnoticed' });
    const [heard, gaps]: [string[], string[]] = [[], []];
    bus.subscribe('t', (message) => void heard.push(message));
    bus.onGap(() => gaps.push('noticed'));
    chaos.weather = { lose: 1 };
    here.publish('t', 'lost');
    expect([bus.live, broken.live]).toEqual([false, true]);
    await pass();
    expect([bus.live, gaps, heard]).toEqual([true, ['noticed'], []]);
    broken.onGap(() => gaps.push('never'));
    broken.subscribe('t', () => undefined);
    here.publish('t', 'lost again');
    await pass();
    expect(gaps).not.toContain('never');
    chaos.weather = { slow: 1 };
    here.publish('t', 'one');
    chaos.weather = {};
    here.publish('t', 'two');
    expect(heard).toEqual([]);
    for (let turn = 0; turn < 3; turn += 1) await pass();
    here.publish('t', 'three');
    expect(heard).toEqual(['one', 'two', 'three']);
  });

  test('other ports and loaders meet the weather as well', async () => {
    const { chaos } = byHand({ refuse: 1 });
    const records = chaosPort(memoryOtpRecords(), chaos);
    await expect(records.attempt('ada')).rejects.toThrow('refused: "attempt"');
    chaos.weather = {};
    expect(await records.attempt('ada')).toEqual({ outcome: 'none' });

    const { create } = fixture();
    const cache = create({ loads: { concurrent: 1, queued: 0, hardTimeout: '20ms' } });
    const load = chaosLoader(async () => 'v', chaos);
    expect(await cache.get('a', load)).toBe('v');
    chaos.weather = { hang: 1 };
    await expect(cache.get('b', load)).rejects.toThrow('gave no answer within 20 ms');
    // It ended with its signal, and gave its place back.
    chaos.weather = {};
    expect(await cache.get('b', load)).toBe('v');
  });
});
