import { processUsage } from '@spillway/testkit';
import { defineBench, type Figure, type Ratio } from '../harness.ts';
import { createLinks, drive, startLinks, startServers } from '../redirects.ts';

const LINKS = 100_000;

export const bench = defineBench({
  name: 'memory',
  question:
    'How much memory does one `links` process hold after a million redirects over 100,000 links, and is it flat?',
  async run({ size, log }) {
    const [links, total] = size === 'full' ? [LINKS, 1_000_000] : [1_000, 2_000];
    const figures: Figure[] = [];
    const ratios: Ratio[] = [];
    for (const kind of ['embedded', 'distributed'] as const) {
      await using servers = kind === 'distributed' ? await startServers() : undefined;
      // With its own consumer: without one the spool would grow, as it should.
      await using service = await startLinks(servers, { ROLE: 'all' });
      const paths = await createLinks(service, links);
      const rss: number[] = [];
      const parts = 4;
      for (let part = 0; part < parts; part += 1) {
        await drive(service, paths, { total: total / parts, order: 'random', clients: 100_000 });
        rss.push(processUsage(service.process.pid).rssBytes / 2 ** 20);
        log(`${kind}: ${rss.at(-1)?.toFixed(0)} MiB after ${(((part + 1) * total) / parts).toLocaleString('en-US')}`);
      }
      figures.push({
        contestant: kind,
        values: Object.fromEntries(
          rss.map((value, part) => [`MiB after ${((part + 1) * total) / parts / 1_000}k`, value]),
        ),
      });
      ratios.push({
        what: `resident memory, ${kind}`,
        value: rss.at(-1) ?? Number.NaN,
        bar: 250 / 1.048576,
        beyond: 150 / 1.048576,
        better: 'lower',
        unit: 'MiB',
      });
    }
    return {
      figures,
      ratios,
      checked: `${(2 * total).toLocaleString('en-US')} answers, every one a 302.`,
      notes: [
        'Resident memory of the process with all its threads (SQLite, the click consumers), bars of 250 and 150 MB. Flat: the last quarter against the one before.',
      ],
    };
  },
});
