import { seededRandom } from '@spillway/kernel';
import { zipf } from './zipf.ts';

const PEOPLE = [
  'Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.107 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0.1700.77 Safari/537.36',
  'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 7_0_4 like Mac OS X) AppleWebKit/537.51.1 (KHTML, like Gecko) Version/7.0 Mobile/11B554a Safari/9537.53',
  'Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1; Trident/6.0)',
];
const BOTS = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'UniversalFeedParser/4.2-pre-314-svn +http://feedparser.org/',
];
const REFERRERS = ['http://www.example.com/', 'https://www.example.org/search?q=logs', 'http://semicomplete.com/'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** An access log in the combined format over three days: paths, clients and agents by Zipf's law, some of each odd. */
export function generateAccessLog(options: { readonly seed: number; readonly lines?: number }): string {
  const { seed, lines = 6_000 } = options;
  const random = seededRandom(seed);
  const one = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const path = zipf(900, random, 0.9);
  const client = zipf(1_000, random, 0.8);
  const start = Date.UTC(2015, 4, 17, 10, 5, 3);
  const stepMs = (3 * 86_400_000) / lines;
  return Array.from({ length: lines }, (_, i) => {
    const who = client();
    // Some clients speak IPv6, as they do to real servers.
    const ip = who % 50 === 7 ? `2001:db8:${who.toString(16)}::1` : `198.51.${100 + (who >> 8)}.${who & 255}`;
    const time = logTime(start + Math.floor(i * stepMs + random() * stepMs));
    const page = path();
    const query = page % 10 === 3 ? '?flav=atom&q=a%20b' : '';
    const status = random() < 0.02 ? 404 : 200;
    const referrer = random() < 0.4 ? '-' : one(REFERRERS);
    const agent = random() < 0.2 ? one(BOTS) : random() < 0.02 ? '-' : one(PEOPLE);
    return `${ip} - - [${time}] "GET /blog/${page}.html${query} HTTP/1.1" ${status} ${Math.floor(random() * 50_000)} "${referrer}" "${agent}"\n`;
  }).join('');
}

function logTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  return `${date}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}
