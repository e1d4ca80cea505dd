import { freePort, spawnProcess, temporaryDirectory } from '@spillway/testkit';
import { defineBench, median } from '../harness.ts';

const KEY = 'bench-admin-key-of-this-run';
const root = new URL('../../../', import.meta.url).pathname;

export const bench = defineBench({
  name: 'start',
  question: 'How long from `npm start` to the first redirect, embedded, with data?',
  async run({ size, log }) {
    const starts = size === 'full' ? 9 : 2;
    const directory = temporaryDirectory({ name: 'bench-start' });
    try {
      let code: string | undefined;
      const seconds: number[] = [];
      // The first start makes the data and is not counted.
      for (let round = 0; round <= starts; round += 1) {
        const port = await freePort();
        const startedAt = performance.now();
        const service = spawnProcess({
          name: 'npm start',
          command: 'npm',
          args: ['start', '--silent'],
          cwd: root,
          env: { PORT: String(port), HOST: '127.0.0.1', DATA_DIR: directory.path, ADMIN_KEY: KEY },
        });
        const url = `http://127.0.0.1:${port}`;
        if (code === undefined) code = await until(() => create(url));
        else {
          const path = code;
          await until(async () => {
            const { status } = await fetch(`${url}/${path}`, { redirect: 'manual' });
            if (status !== 302) throw new Error(`the redirect answered ${status}`);
            return status;
          });
          seconds.push((performance.now() - startedAt) / 1_000);
          log(`${seconds.at(-1)?.toFixed(2)} s`);
        }
        await service.stop();
      }
      return {
        figures: [
          {
            contestant: 'npm start to the first 302',
            values: { 'median s': median(seconds), 'min s': Math.min(...seconds), 'max s': Math.max(...seconds) },
          },
        ],
        ratios: [
          {
            what: 'npm start to the first redirect',
            value: median(seconds),
            bar: 1,
            beyond: 0.5,
            better: 'lower',
            unit: 's',
          },
        ],
        checked: 'the redirect of a link made by the first start is a 302.',
        notes: ['npm itself is part of the time. The port is asked every 5 ms.'],
      };
    } finally {
      await directory.close();
    }
  },
});

/** Asks every 5 ms until there is an answer; a service that never answers fails after 30 s. */
async function until<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

async function create(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/links`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: JSON.stringify({ url: 'https://example.org/' }),
  });
  const { code } = (await response.json()) as { code?: string };
  if (code === undefined) throw new Error(`POST /links answered ${response.status}`);
  return code;
}
