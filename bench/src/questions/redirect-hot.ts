import { defineBench } from '../harness.ts';
import { compare, createLinks, drive, startBare, startLinks, startServers } from '../redirects.ts';

export const bench = defineBench({
  name: 'redirect-hot',
  question: 'How near does a redirect from L1, limited, metered and recorded, come to a bare node:http?',
  async run({ size }) {
    const [durationMs, rounds] = size === 'full' ? [5_000, 5] : [300, 1];
    await using servers = await startServers();
    await using links = await startLinks(servers);
    await using bare = await startBare('constant');
    const paths = await createLinks(links, 1_000);
    const options = { durationMs, clients: 100_000 };
    // Warm: every link in L1, every function optimised.
    await drive(links, paths, options);
    await drive(bare, paths, options);
    const result = await compare({
      rounds,
      reference: { name: 'bare node:http, constant 302', drive: () => drive(bare, paths, options) },
      ours: { name: 'links', drive: () => drive(links, paths, options) },
      bar: 0.75,
      beyond: 0.9,
    });
    return {
      ...result,
      notes: [
        'One links process (ROLE=web), 1,000 links warm in L1, 100,000 client addresses, 64 connections. The generator, Redis and PostgreSQL share the cores with it; its CPU time counts all of its threads.',
        'The generator never sleeps: a server would have to wake it with each answer, and would pay for that the more, the slower it is itself (on two virtual cores up to a third of the CPU time of a redirect).',
      ],
    };
  },
});
