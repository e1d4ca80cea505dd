import { closeAll } from '../processes/close-all.ts';
import { until } from '../processes/until.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

const SLOTS = 16_384;

export interface ClusterNode extends RedisServer {
  /** As CLUSTER NODES names it. */
  readonly id: string;
}

export interface RedisCluster extends AsyncDisposable {
  /** Masters first, in the order of their slots, then their replicas. */
  readonly nodes: readonly ClusterNode[];
  readonly masters: readonly ClusterNode[];
  readonly replicas: readonly ClusterNode[];
  slotOf(key: string): Promise<number>;
  /** The master that has the slot now. */
  ownerOf(slot: number): Promise<ClusterNode>;
  /**
   * Moves a slot with its keys to another master. `during` runs while it is on its way: half-moved, with ASK redirects.
   */
  moveSlot(slot: number, to: ClusterNode, during?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** A Redis Cluster with every slot served. Nodes call each other down after 1 s. */
export async function startRedisCluster(
  options: { readonly masters?: number; readonly replicas?: 0 | 1; readonly config?: Record<string, string> } = {},
): Promise<RedisCluster> {
  const { masters: count = 3, replicas: perMaster = 0 } = options;
  const servers = await startAll(count * (1 + perMaster), options.config);
  const close = () => closeAll(servers);
  try {
    const nodes: ClusterNode[] = [];
    for (const server of servers) nodes.push(withId(server, String(await server.command('CLUSTER', 'MYID'))));
    const masters = nodes.slice(0, count);
    const replicas = nodes.slice(count);
    const [first] = nodes;
    if (first === undefined) throw new RangeError(`A cluster needs at least 1 master, not ${count}`);
    for (const [i, master] of masters.entries()) {
      const from = Math.floor((SLOTS * i) / count);
      const to = Math.floor((SLOTS * (i + 1)) / count) - 1;
      await master.command('CLUSTER', 'ADDSLOTSRANGE', from, to);
      // Different epochs, so that no two nodes have to settle who goes first.
      await master.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }
    for (const node of nodes.slice(1)) await node.command('CLUSTER', 'MEET', first.host, first.port);
    await everyone(nodes, 'know all nodes', async (node) => (await nodeTable(node)).length === nodes.length);
    for (const [i, replica] of replicas.entries()) {
      const master = masters[i % count];
      if (master !== undefined) await replica.command('CLUSTER', 'REPLICATE', master.id);
    }
    await everyone(nodes, 'be ok', async (node) => {
      const info = String(await node.command('CLUSTER', 'INFO'));
      const table = await nodeTable(node);
      const known = table.filter((line) => line.includes(' slave ') || line.includes(',slave ')).length;
      return info.includes('cluster_state:ok') && known === replicas.length;
    });
    for (const replica of replicas) {
      await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'), {
        what: 'a replica to follow its master',
        timeoutMs: 30_000,
      });
    }

    const ownerOf = async (slot: number) => {
      const table = await nodeTable(nodes.find((node) => node.running) ?? first);
      const line = table.find((entry) => serves(entry, slot));
      const owner = nodes.find((node) => line?.startsWith(node.id));
      if (owner === undefined) throw new Error(`No node of the cluster serves slot ${slot}`);
      return owner;
    };
    return {
      nodes,
      masters,
      replicas,
      slotOf: async (key) => Number(await first.command('CLUSTER', 'KEYSLOT', key)),
      ownerOf,
      async moveSlot(slot, to, during) {
        const from = await ownerOf(slot);
        if (from === to) return;
        await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
        await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
        await during?.();
        for (;;) {
          const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
          if (!Array.isArray(keys) || keys.length === 0) break;
          await from.command('MIGRATE', to.host, to.port, '', 0, 5_000, 'KEYS', ...keys.map(String));
        }
        // The new owner first: for a moment two claim the slot, never nobody.
        for (const node of [to, from, ...nodes.filter((node) => node.running && node !== to && node !== from)]) {
          if (replicas.includes(node)) continue;
          await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
        }
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startAll(count: number, config: Record<string, string> = {}): Promise<RedisServer[]> {
  const starting = Array.from({ length: count }, () =>
    startRedis({
      config: {
        'cluster-enabled': 'yes',
        'cluster-config-file': 'nodes.conf',
        'cluster-node-timeout': '1000',
        // A replica may take over at once, also one that has nothing yet.
        'cluster-replica-validity-factor': '0',
        ...config,
      },
    }),
  );
  const results = await Promise.allSettled(starting);
  const started = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure === undefined) return started;
  await closeAll(started);
  throw failure.reason;
}

// A new object that still reads the changing properties (`pid`, `running`) from the server.
const withId = (server: RedisServer, id: string): ClusterNode => Object.create(server, { id: { value: id } });

async function nodeTable(node: RedisServer): Promise<string[]> {
  return String(await node.command('CLUSTER', 'NODES'))
    .trim()
    .split('\n');
}

/** Whether a line of CLUSTER NODES (id, address, flags, ..., then slots and ranges) names the slot. */
function serves(line: string, slot: number): boolean {
  const ranges = line
    .split(' ')
    .slice(8)
    .filter((range) => !range.startsWith('['));
  return ranges.some((range) => {
    const [from, to = from] = range.split('-').map(Number);
    return from !== undefined && to !== undefined && from <= slot && slot <= to;
  });
}

async function everyone(
  nodes: readonly ClusterNode[],
  what: string,
  condition: (node: ClusterNode) => Promise<boolean>,
): Promise<void> {
  for (const node of nodes) {
    await until(() => condition(node), {
      what: `every node of the cluster to ${what}`,
      timeoutMs: 30_000,
      everyMs: 30,
    });
  }
}
