import { StoreUnavailableError } from '@spillway/kernel';
import { type RedisCluster, startRedisCluster, until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectRedis, createKeys, createLock, defineScript, integers, type RedisLink } from '../../src/index.ts';

let cluster: RedisCluster;
let link: RedisLink;

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3, replicas: 1 });
  link = connectRedis({ cluster: cluster.masters.slice(0, 1), deadline: '300ms' });
  await link.ready({ timeout: '20s' });
});

afterAll(async () => {
  await link?.close();
  await cluster?.close();
});

const keys = createKeys({ prefix: 'test', package: 'cluster', version: 1 });
const count = defineScript({
  name: 'test.count',
  source: 'return {redis.call("INCR", KEYS[1]), redis.call("INCR", KEYS[2])}',
  keys: (subject: string) => [keys(subject, 'a'), keys(subject, 'b')],
  args: () => [],
  reply: (raw) => integers('test.count', raw, 2),
});

/** Tries until it works; while a Cluster changes hands, single calls may fail. */
const insist = <Reply>(work: () => Promise<Reply>) => until(() => work(), { timeoutMs: 30_000 });

describe('a link to a Cluster', () => {
  test('sends each command to the node of its key, and scripts with several keys of one subject', async () => {
    expect(link.topology).toBe('cluster');
    const subjects = Array.from({ length: 60 }, (_, i) => `{subject} ${i}`);
    await Promise.all(subjects.map((subject) => link.command('SET', [keys(subject), subject])));
    expect(await Promise.all(subjects.map((subject) => link.command('GET', [keys(subject)])))).toEqual(subjects);
    for (const master of cluster.masters) expect(await master.command('DBSIZE')).toBeGreaterThan(0);
    expect(await Promise.all(subjects.map((subject) => link.run(count, subject)))).toEqual(subjects.map(() => [1, 1]));
    expect((await link.inspect()).version).toMatch(/^\d/);
  });

  test('follows slots that move, in the middle of the move and after it, without an error or a second run', async () => {
    const [from, to] = cluster.masters;
    if (from === undefined || to === undefined) throw new Error('no masters');
    let subject = '';
    let slot = -1;
    for (let i = 0; slot < 0 || (await cluster.ownerOf(slot)) !== from; i++) {
      subject = `moving ${i}`;
      slot = await cluster.slotOf(keys(subject, 'a'));
    }
    let runs = 0;
    const run = async () => {
      const [a, b] = await link.run(count, subject);
      runs += 1;
      expect([a, b]).toEqual([runs, runs]);
    };
    await run();
    await cluster.moveSlot(slot, to, async () => {
      // Both keys are still on the old node, then none is: in both cases one of the two nodes can answer.
      for (let i = 0; i < 5; i++) await run();
      expect(await link.command('SET', [keys(subject, 'new'), 1])).toBe('OK');
    });
    for (let i = 0; i < 20; i++) await run();
    expect(await link.command('GET', [keys(subject, 'new')])).toBe('1');
    await cluster.moveSlot(slot, from);
    for (let i = 0; i < 20; i++) await run();
  });

  test('gives everyone their own reply while slots move under many commands at once', async () => {
    const [from, to] = cluster.masters;
    if (from === undefined || to === undefined) throw new Error('no masters');
    const slot = await cluster.slotOf('many');
    const owner = await cluster.ownerOf(slot);
    const other = owner === from ? to : from;
    const names = Array.from({ length: 200 }, (_, i) => `{many}${i}`);
    // On both nodes, and in the slot that moves.
    const still = Array.from({ length: 200 }, (_, i) => `still ${i}`);
    await Promise.all([...names, ...still].map((name) => link.command('SET', [name, name])));
    const wrong: string[] = [];
    let reads = 0;
    let moving = true;
    // Each reads on its own, so that answers, redirections and new commands of a node meet in one turn of the event loop.
    const read = async (worker: number) => {
      for (let i = worker; moving; i += 7) {
        const name = (i % 2 === 0 ? names : still)[i % 200] ?? '';
        const reply = await link.command<string>('GET', [name], { deadlineMs: 10_000 }).catch(String);
        if (reply !== name) wrong.push(`${name}: ${reply}`);
        reads += 1;
      }
    };
    const readers = Array.from({ length: 100 }, (_, worker) => read(worker));
    const readOn = async () => {
      const before = reads;
      await until(() => reads > before + 2_000);
    };
    for (let round = 0; round < 2; round++) {
      await cluster.moveSlot(slot, other, readOn);
      await readOn();
      await cluster.moveSlot(slot, owner, readOn);
      await readOn();
    }
    moving = false;
    await Promise.all(readers);
    expect(wrong).toEqual([]);
  });

  test('hears what is published on any node, and blocks on the node of a stream', async () => {
    const heard: string[] = [];
    const subscription = link.subscribe('news', { message: (text) => heard.push(text) });
    await insist(async () => {
      await link.command('PUBLISH', ['news', 'one']);
      return heard.length > 0;
    });
    await subscription.close();
    const own = link.dedicated();
    for (let i = 0; i < 5; i++) {
      const stream = keys(`stream ${i}`);
      await link.command('XADD', [stream, '1-1', 'field', i]);
      const read = await own.command<[string, unknown][]>('XREAD', ['COUNT', 1, 'BLOCK', 1000, 'STREAMS', stream, 0]);
      expect(read[0]?.[0]).toBe(stream);
    }
    await own.close();
  });

  test('a lock is held by one at a time on every node, also while its slot moves, with tokens that grow', async () => {
    const lock = createLock(link, { prefix: 'test' });
    const [from, to] = cluster.masters;
    if (from === undefined || to === undefined) throw new Error('no masters');
    const names = Array.from({ length: 12 }, (_, i) => `lock ${i}`);
    const slotOf = (name: string) => cluster.slotOf(createKeys({ prefix: 'test', package: 'lock', version: 1 })(name));
    const owners = await Promise.all(names.map(async (name) => cluster.ownerOf(await slotOf(name))));
    expect(new Set(owners).size).toBe(3);
    const held = await Promise.all(names.map((name) => lock.acquire(name, { lease: '60s' })));
    for (const name of names) expect(await lock.tryAcquire(name, { lease: '60s' })).toBeUndefined();
    const moving = owners.indexOf(from);
    const [name = '', mine] = [names[moving], held[moving]];
    const stillMine = async () => {
      expect(await lock.tryAcquire(name, { lease: '60s' })).toBeUndefined();
      expect(await mine?.renew()).toBe(true);
    };
    await cluster.moveSlot(await slotOf(name), to, stillMine);
    await stillMine();
    for (const one of held) expect(await one.release()).toBe(true);
    for (const [i, again] of names.entries()) {
      const next = await lock.acquire(again, { lease: '60s' });
      expect(next.token).toBeGreaterThan(held[i]?.token ?? Number.NaN);
      await next.release();
    }
    await cluster.moveSlot(await slotOf(name), from);
  });

  test('G4: one hung node is shut off while the others go on; its replica takes over', async () => {
    const victim = cluster.masters[1];
    if (victim === undefined) throw new Error('no master');
    const subjects = Array.from({ length: 60 }, (_, i) => `hang ${i}`);
    const owners = await Promise.all(
      subjects.map(async (subject) => cluster.ownerOf(await cluster.slotOf(keys(subject)))),
    );
    await Promise.all(subjects.map((subject) => link.command('SET', [keys(subject), subject])));
    const [its, others] = [true, false].map((mine) => subjects.filter((_, i) => (owners[i] === victim) === mine));
    victim.pause();
    await until(() =>
      link.command('GET', [keys(its?.[0] ?? '')]).then(
        () => '',
        () => link.state === 'degraded',
      ),
    );
    for (const subject of others ?? []) expect(await link.command('GET', [keys(subject)])).toBe(subject);
    const error = await link.command('GET', [keys(its?.[0] ?? '')]).catch((reason) => reason);
    // Down at once, or already answered by the replica that took over.
    if (error instanceof Error) expect(error).toBeInstanceOf(StoreUnavailableError);
    await until(() => link.state === 'up', { timeoutMs: 60_000, what: 'the replica to take over' });
    for (const subject of its ?? []) await insist(() => link.command('SET', [keys(subject), 'new']));
    victim.resume();
    await until(async () => String(await victim.command('ROLE')).startsWith('slave'), { timeoutMs: 30_000 });
    for (const subject of its ?? []) expect(await insist(() => link.command('GET', [keys(subject)]))).toBe('new');
  });
});
