import { seededRandom } from '@spillway/kernel';
import { parsePolicy } from '@spillway/limit';
import { expect, test } from 'vitest';
import { createSimulation, TooManyClientsError } from './simulation.ts';

interface Request {
  readonly subject: string;
  readonly atMs: number;
}

const START = Date.UTC(2015, 4, 17, 10, 5, 3);
const MINUTE = 60_000;

/** Bursts of several clients, in the order of their times. */
function traffic(seed: number, count: number): Request[] {
  const random = seededRandom(seed);
  let atMs = START;
  return Array.from({ length: count }, () => {
    atMs += random() < 0.9 ? Math.floor(random() * 3) * 1000 : Math.floor(random() * 200) * 1000;
    return { subject: `client-${Math.floor(random() ** 2 * 12)}`, atMs };
  });
}

const bucket = (limit: number, burst = limit) => ({
  label: `${limit}/m burst ${burst}`,
  policy: parsePolicy({
    strategy: 'token-bucket',
    name: 'bucket',
    capacity: burst,
    refill: { tokens: limit, every: '1m' },
  }),
});
const fixed = (limit: number) => ({
  label: 'fixed',
  policy: parsePolicy({ strategy: 'fixed-window', name: 'fixed', limit, window: '1m' }),
});

function simulate(policies: Parameters<typeof createSimulation>[0], requests: readonly Request[], options = {}) {
  const simulation = createSimulation(policies, options);
  for (const { subject, atMs } of requests) simulation.request(subject, atMs);
  return simulation.result({ worst: 100 });
}

/** By a list of all that was admitted: a client is refused when its clock minute already has `limit` of them. */
function refusedByMinute(requests: readonly Request[], limit: number): Request[] {
  const admitted: Request[] = [];
  return requests.filter((request) => {
    const minute = (each: Request) => Math.floor(each.atMs / MINUTE);
    const there = admitted.filter((each) => each.subject === request.subject && minute(each) === minute(request));
    if (there.length >= limit) return true;
    admitted.push(request);
    return false;
  });
}

/** By levels: in units of a token over 60,000, so that a millisecond adds `limit` of them. */
function refusedByLevel(requests: readonly Request[], limit: number, burst: number): Request[] {
  const levels = new Map<string, { level: bigint; atMs: number }>();
  const token = BigInt(MINUTE);
  const full = BigInt(burst) * token;
  return requests.filter(({ subject, atMs }) => {
    const before = levels.get(subject) ?? { level: full, atMs };
    const gained = before.level + BigInt(atMs - before.atMs) * BigInt(limit);
    const level = gained > full ? full : gained;
    const isRefused = level < token;
    levels.set(subject, { level: isRefused ? level : level - token, atMs });
    return isRefused;
  });
}

/** What the report says of a policy, counted from the requests it refused. */
function counted(refused: readonly Request[]) {
  const by = Map.groupBy(refused, ({ subject }) => subject);
  const clients = [...by].map(([subject, list]) => ({
    subject,
    limited: list.length,
    firstMs: Math.min(...list.map(({ atMs }) => atMs)),
    lastMs: Math.max(...list.map(({ atMs }) => atMs)),
  }));
  const minutes = Map.groupBy(refused, ({ atMs }) => Math.floor(atMs / MINUTE) * MINUTE);
  const [worst] = [...minutes].sort(([a, x], [b, y]) => y.length - x.length || a - b);
  return {
    limited: refused.length,
    clientsLimited: clients.length,
    worstClients: clients.sort((a, b) => b.limited - a.limited || a.firstMs - b.firstMs),
    worstMinute: worst && { atMs: worst[0], count: worst[1].length },
  };
}

test.each([1, 2, 3, 4, 5])('fixed windows and token buckets limit whom a plain count says: seed %i', (seed) => {
  const requests = traffic(seed, 2000);
  const limits = [1, 3, 7, 20];
  const windows = limits.map((limit) => ({ ...fixed(limit), label: `fixed ${limit}` }));
  const buckets = limits.flatMap((limit) => [bucket(limit), bucket(limit, 2)]);
  const result = simulate([...windows, ...buckets], requests);
  const expected = [
    ...limits.map((limit) => refusedByMinute(requests, limit)),
    ...limits.flatMap((limit) => [refusedByLevel(requests, limit, limit), refusedByLevel(requests, limit, 2)]),
  ];
  for (const [at, refused] of expected.entries()) {
    const policy = result.policies[at];
    const truth = counted(refused);
    expect(policy, policy?.label).toMatchObject({ limited: truth.limited, clientsLimited: truth.clientsLimited });
    expect(policy?.worstMinute, policy?.label).toEqual(truth.worstMinute);
    expect(
      policy?.worstClients.map(({ longestWaitMs: _, ...client }) => client),
      policy?.label,
    ).toEqual(truth.worstClients);
    const drawn = result.timeline.spans.reduce((sum, { limited }) => sum + (limited[at] ?? 0), 0);
    expect(drawn, policy?.label).toBe(refused.length);
  }
  expect(result.requests).toBe(requests.length);
  expect(result.clients).toBe(new Set(requests.map(({ subject }) => subject)).size);
  expect(result.policies[0]?.limited).toBeGreaterThan(100);
});

test('the longest wait is that of the worst refusal', () => {
  const requests = [0, 0, 0, 15_000].map((afterMs) => ({ subject: 'a', atMs: START + afterMs }));
  const [policy] = simulate([bucket(2)], requests).policies;
  // Two of three pass; a token comes every 30 s.
  expect(policy).toMatchObject({ limited: 2, longestWaitMs: 30_000 });
});

test.each([1, 2, 3, 4, 5, 6])('the suggested limit is the smallest, as trying every limit shows: seed %i', (seed) => {
  const requests = traffic(seed, 600);
  const limits = Array.from({ length: 60 }, (_, at) => at + 1);
  const tried = limits.map(
    (limit) => new Set(refusedByLevel(requests, limit, limit).map(({ subject }) => subject)).size,
  );
  const clients = new Set(requests.map(({ subject }) => subject)).size;
  for (const percent of [0, 10, 34, 50, 99]) {
    const { suggestion } = simulate([], requests, { suggestPercent: percent });
    const at = tried.findIndex((limited) => limited * 100 <= clients * percent);
    expect(suggestion, `${percent} %`).toEqual({
      percent,
      perMinute: limits[at],
      clientsLimited: tried[at],
      nobodyPerMinute: limits[tried.indexOf(0)],
    });
  }
});

test('a clock that goes back counts as the strategies take it, in the suggestion too', () => {
  const random = seededRandom(9);
  const requests = traffic(9, 400).map(({ subject, atMs }) => ({
    subject,
    atMs: atMs - Math.floor(random() * 20) * 1000,
  }));
  const { suggestion } = simulate([], requests, { suggestPercent: 0 });
  const limit = suggestion?.perMinute ?? 0;
  const [fits, refuses] = simulate([bucket(limit), { ...bucket(limit - 1), label: 'less' }], requests).policies;
  expect(fits?.limited).toBe(0);
  expect(refuses?.limited).toBeGreaterThan(0);
  const back = [START, START - 2 * MINUTE].map((atMs) => ({ subject: 'a', atMs }));
  expect(simulate([], back, { suggestPercent: 0 }).suggestion?.perMinute).toBe(Infinity);
  expect(simulate([bucket(1_000_000)], back).policies[0]?.limited).toBe(1);
});

test('G7: states that are over are dropped, and what was counted stays', () => {
  const simulation = createSimulation([bucket(1), fixed(1)], { suggestPercent: 0 });
  for (let at = 0; at < 100_000; at += 1) simulation.request(`client-${at % 50_000}`, START + at * 1000);
  // A bucket is full and a window over after a minute, and five are added: 360 clients, looked through when there are 10,000.
  expect(simulation.clientsKept()).toBeLessThanOrEqual(10_000);
  const result = simulation.result({ worst: 1 });
  expect(result).toMatchObject({ clients: 50_000, isClientsExact: true, requests: 100_000 });
  expect(result.suggestion?.perMinute).toBe(1);
});

test('G7: clients that were dropped and come back are counted as if they had stayed', () => {
  const own = traffic(4, 1500);
  const lastMs = own.at(-1)?.atMs ?? 0;
  // Each of them once, so that states are looked through, and dropped, several times between the others' requests.
  const strangers = Array.from({ length: 60_000 }, (_, at) => ({
    subject: `stranger-${at}`,
    atMs: START + Math.floor(((lastMs - START) * at) / 60_000),
  }));
  const requests = [...own, ...strangers].sort((a, b) => a.atMs - b.atMs);
  const result = simulate([bucket(3), fixed(3)], requests, { suggestPercent: 0 });
  expect(lastMs - START).toBeGreaterThan(4 * 3_600_000);
  expect(result.policies[0]?.limited).toBe(refusedByLevel(own, 3, 3).length);
  expect(result.policies[1]?.limited).toBe(refusedByMinute(own, 3).length);
  const enough = result.suggestion?.perMinute ?? 0;
  expect(refusedByLevel(own, enough, enough)).toEqual([]);
  expect(refusedByLevel(own, enough - 1, enough - 1)).not.toEqual([]);
});

test('G7: more clients at once than can be kept end the simulation with a word', () => {
  const simulation = createSimulation([fixed(1)], { mostClients: 20_000 });
  expect(() => {
    for (let at = 0; at < 30_000; at += 1) simulation.request(`client-${at}`, START);
  }).toThrow(TooManyClientsError);
});

test('G7: of more clients than are told apart the number is estimated', () => {
  const simulation = createSimulation([fixed(1)], { mostCounted: 1000, suggestPercent: 50 });
  for (let at = 0; at < 40_000; at += 1) simulation.request(`client-${at >> 1}`, START + (at >> 1) * 10);
  const result = simulation.result({ worst: 1 });
  expect(result.isClientsExact).toBe(false);
  // The error is about 1 / sqrt(500): 4.5 %; five times that.
  expect(Math.abs(result.clients / 20_000 - 1)).toBeLessThan(0.23);
  expect(result.policies[0]?.limited).toBe(20_000);
  expect(Math.abs((result.policies[0]?.clientsLimited ?? 0) / 20_000 - 1)).toBeLessThan(0.23);
  expect(result.suggestion?.perMinute).toBe(2);
});
