import { describe, expect, test } from 'vitest';
import { type BusFrame, decodeFrame, encodeFrame } from '../../src/core/bus-frames.ts';
import { BEAT_MS, BusReceiver, FORGET_MS, QUIET_MS } from '../../src/core/bus-receiver.ts';
import { fc } from './support.ts';

const often = <Value>(value: Value) => ({ weight: 4, arbitrary: fc.constant(value) });
const some = (ids: number[]) => fc.oneof(often<number[]>([]), { weight: 2, arbitrary: fc.subarray<number>(ids) });

/** A stretch of time in which the same things go wrong. */
const stretch = fc.record({
  steps: fc.integer({ min: 1, max: 40 }),
  /** One message each, this many steps apart; 0 for none. */
  everySteps: fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.nat({ max: 9 })),
  /** Whose frames are lost on the way; 3 is the receiver's own. All of them: the connection is dead, and nobody says so. */
  lost: fc.oneof(
    { weight: 5, arbitrary: some([0, 1, 2, 3]) },
    { weight: 1, arbitrary: fc.constant<number[]>([0, 1, 2, 3]) },
  ),
  /** Who stands still: it neither publishes nor beats. */
  paused: some([0, 1, 2]),
  connection: fc.oneof(often('stays' as const), {
    weight: 1,
    arbitrary: fc.constantFrom('breaks' as const, 'returns' as const),
  }),
  /** A publisher that begins another life. */
  restart: fc.oneof(often(-1), { weight: 1, arbitrary: fc.nat({ max: 2 }) }),
});

const STEP_MS = 10;

describe('G5: the bus', () => {
  test('whoever is live missed nothing for longer than the quiet time, or was told of a gap since', () => {
    let lives = 0;
    let gaps = 0;
    fc.assert(
      fc.property(fc.array(stretch, { minLength: 3, maxLength: 20 }), (stretches) => {
        const receiver = new BusReceiver('self');
        const publishers = [0, 1, 2].map((id) => ({ id, life: 0, name: `p${id}/0`, last: 0 }));
        // Per message that has not arrived: when it was published. A gap that is reported covers all of them.
        const missing = new Map<string, { publisher: string; atMs: number }>();
        // Whom the receiver can know of: heard in this subscription.
        const heard = new Set<string>();
        let connected = true;
        let nowMs = 0;
        let echoMs = 0;
        receiver.subscribed(nowMs);
        const gap = (reason: string | undefined) => {
          if (reason === undefined) return;
          gaps += 1;
          missing.clear();
        };
        const arrive = (frame: BusFrame, lost: boolean) => {
          if (!connected || lost) return;
          if (frame.publisher === 'self') echoMs = nowMs;
          else heard.add(frame.publisher);
          if (frame.kind === 'message') missing.delete(`${frame.publisher}#${frame.seq}`);
          gap(receiver.receive(frame, nowMs).gap);
        };
        for (const { steps, everySteps, lost, paused, connection, restart } of stretches) {
          if (connection === 'breaks' && connected) {
            connected = false;
            receiver.broken();
          } else if (connection === 'returns' && !connected) {
            connected = true;
            heard.clear();
            receiver.subscribed(nowMs);
          }
          const reborn = publishers[restart];
          if (reborn !== undefined) {
            reborn.life += 1;
            reborn.name = `p${reborn.id}/${reborn.life}`;
            reborn.last = 0;
            // It begins with a beat, as every bus does.
            arrive({ kind: 'beat', publisher: reborn.name, last: 0 }, lost.includes(reborn.id));
          }
          for (let step = 1; step <= steps; step++) {
            nowMs += STEP_MS;
            for (const publisher of publishers) {
              if (paused.includes(publisher.id)) continue;
              const { name: life } = publisher;
              const away = lost.includes(publisher.id);
              if (step % (everySteps[publisher.id] || Number.POSITIVE_INFINITY) === 0) {
                publisher.last += 1;
                missing.set(`${life}#${publisher.last}`, { publisher: life, atMs: nowMs });
                arrive({ kind: 'message', publisher: life, seq: publisher.last, topic: 't', text: '' }, away);
              }
              if (nowMs % BEAT_MS === 0) arrive({ kind: 'beat', publisher: life, last: publisher.last }, away);
            }
            if (nowMs % BEAT_MS === 0) {
              arrive({ kind: 'beat', publisher: 'self', last: 0 }, lost.includes(3));
              gap(receiver.tick(nowMs));
            }
            if (!receiver.live(nowMs)) continue;
            lives += 1;
            expect(connected).toBe(true);
            expect(nowMs - echoMs).toBeLessThanOrEqual(QUIET_MS);
            for (const [message, { publisher, atMs }] of missing) {
              if (!heard.has(publisher)) continue;
              expect(nowMs - atMs, `${message} at ${nowMs}`).toBeLessThanOrEqual(QUIET_MS);
            }
          }
        }
      }),
      { numRuns: 2_000 },
    );
    expect(lives).toBeGreaterThan(10_000);
    expect(gaps).toBeGreaterThan(1_000);
  });

  test('frames survive the way, whatever they hold, and what is no frame is none', () => {
    const text = fc.string({ unit: 'binary' });
    const frame = fc.oneof(
      fc.record({
        kind: fc.constant('message' as const),
        publisher: text,
        seq: fc.integer({ min: 1 }),
        topic: text,
        text,
      }),
      fc.record({ kind: fc.constantFrom('beat' as const, 'bye' as const), publisher: text, last: fc.nat() }),
    );
    fc.assert(
      fc.property(frame, (one) => {
        expect(decodeFrame(encodeFrame(one))).toEqual(one);
      }),
    );
    fc.assert(fc.property(fc.oneof(text, fc.json()), (one) => void decodeFrame(one)));
    for (const wrong of ['', '{}', '["m","p",0,"t","x"]', '["m","p",1.5,"t","x"]', '["b",1,1]', '["b","p",-1]']) {
      expect(decodeFrame(wrong)).toBeUndefined();
    }
  });

  test('a publisher that died holds liveness back until it is forgotten, one that said good-bye does not', () => {
    const receiver = new BusReceiver('self');
    receiver.subscribed(0);
    const beat = (publisher: string, nowMs: number) => receiver.receive({ kind: 'beat', publisher, last: 0 }, nowMs);
    let nowMs = 0;
    const pass = (ms: number, others: string[]) => {
      for (const end = nowMs + ms; nowMs < end; ) {
        nowMs += BEAT_MS;
        for (const publisher of ['self', ...others]) beat(publisher, nowMs);
        receiver.tick(nowMs);
      }
    };
    pass(500, ['a', 'b']);
    expect(receiver.live(nowMs)).toBe(true);
    receiver.receive({ kind: 'bye', publisher: 'a', last: 0 }, nowMs);
    pass(500, ['b']);
    expect(receiver.live(nowMs)).toBe(true);
    pass(500, []);
    expect(receiver.live(nowMs)).toBe(false);
    pass(FORGET_MS, []);
    expect(receiver.live(nowMs)).toBe(true);
    expect(receiver.peers).toBe(0);
  });
});
