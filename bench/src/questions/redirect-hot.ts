import { redirectGrowth } from '../growth.ts';
import { defineBench } from '../harness.ts';
import { atRate, compare, createLinks, drive, startBare, startLinks, startServers } from '../redirects.ts';

export const bench = defineBench({
  name: 'redirect-hot',
  question: 'How near does a redirect from L1, limited, metered and recorded, come to a bare node:http?',
  async run({ size, log }) {
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
      reference: {
        name: 'bare node:http, constant 302',
        drive: (rate) => drive(bare, paths, { ...options, ...atRate(rate) }),
      },
      ours: { name: 'links', drive: (rate) => drive(links, paths, { ...options, ...atRate(rate) }) },
      bar: 0.75,
      beyond: 0.9,
    });
    const [counts, processes] =
      size === 'full'
        ? [
            [1_000, 10_000, 100_000],
            [1, 2, 3],
          ]
        : [
            [100, 200],
            [1, 2],
          ];
    const growth = await redirectGrowth({ servers, durationMs, links: counts, processes, log });
    return {
      ...result,
      figures: [...result.figures, ...growth],
      notes: [
        'How it grows: with the links (all in L1, asked for at random) and with the processes on one port, which share two cores with the generator, Redis and PostgreSQL. A million links are not in the curve: making them over the API takes minutes.',
        'One links process (ROLE=web), 1,000 links warm in L1, 100,000 client addresses, 64 connections. The generator, Redis and PostgreSQL share the cores with it; its CPU time counts all of its threads.',
        'The generator never sleeps: a server would have to wake it with each answer, and would pay for that the more, the slower it is itself (on two virtual cores up to a third of the CPU time of a redirect).',
      ],
    };
  },
});
