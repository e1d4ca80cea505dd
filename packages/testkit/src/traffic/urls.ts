import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { seededRandom } from '@spillway/kernel';
import { dataFile } from './data-directory.ts';

/** The 20,000 real URLs, all different; where the file is absent, generated ones, the same for the same seed. */
export async function urls(options: { readonly seed?: number } = {}): Promise<string[]> {
  const file = dataFile('urls.txt.gz');
  if (file === undefined) return generateUrls({ seed: options.seed ?? 1 });
  return gunzipSync(await readFile(file))
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

const HOSTS = ['github.com', 'gitlab.com', 'metacpan.org', 'pypi.org', 'www.example.org', 'sourceforge.net'];

/** Different http(s) URLs as the home pages of software have them. */
export function generateUrls(options: { readonly seed: number; readonly count?: number }): string[] {
  const { seed, count = 20_000 } = options;
  const random = seededRandom(seed);
  const word = () => Math.floor(random() * 36 ** 5).toString(36);
  return Array.from({ length: count }, (_, i) => {
    const scheme = random() < 0.2 ? 'http' : 'https';
    const host = random() < 0.6 ? HOSTS[Math.floor(random() * HOSTS.length)] : `${word()}.example.net`;
    const tail = random() < 0.1 ? `?name=${word()}&v=${i}` : random() < 0.1 ? `/~${word()}/#top` : '/';
    return `${scheme}://${host}/${word()}/${i.toString(36)}${tail}`;
  });
}
