import { isIP } from 'node:net';
import { domainToUnicode } from 'node:url';

/** Letters of other scripts that are drawn as these of ours, in small letters. */
const DRAWN_ALIKE: Readonly<Record<string, string>> = {
  a: 'аαɑ',
  b: 'ьƅ',
  c: 'сϲς',
  d: 'ԁժ',
  e: 'еҽ℮',
  g: 'ɡց',
  h: 'һհ',
  i: 'іıɩι',
  j: 'јϳ',
  k: 'кκ',
  l: 'ӏǀ1|',
  m: 'м',
  n: 'пոη',
  o: 'оοօσ0',
  p: 'рρ',
  q: 'ԛզ',
  s: 'ѕʂ',
  t: 'тτ',
  u: 'υս',
  v: 'νѵ',
  w: 'ԝաω',
  x: 'хχ',
  y: 'уγү',
  z: 'ᴢʐ',
};

const PLAIN = new Map(
  Object.entries(DRAWN_ALIKE).flatMap(([letter, alike]) => [...alike].map((other) => [other, letter] as const)),
);

/**
 * What a host looks like at a glance, whatever script it is written in: without marks, and `0` as `o`, `1` as `l`. Unlike an
 * alias's look it keeps `i` and `-`: hosts are shown in small letters, and of `my-site` and `mysite` both are often one owner's.
 */
const lookOf = (host: string): string => {
  const plain = domainToUnicode(host).toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '');
  return [...plain].map((character) => PLAIN.get(character) ?? character).join('');
};

/** Which of `own`, names without a port, a host could be taken for though it is neither it nor below it. */
export type FindResembled = (host: string) => string | undefined;

export function createFindResembled(own: Iterable<string>): FindResembled {
  // What has no dot is private, and addresses have no look.
  const names = [...own].filter((name) => name.includes('.') && isIP(name) === 0);
  const looks = names.map((name) => [name, lookOf(name)] as const);
  const isIn = (host: string, name: string) => host === name || host.endsWith(`.${name}`);
  return (host) => {
    if (looks.length === 0 || names.some((name) => isIn(host, name))) return undefined;
    const look = lookOf(host);
    return looks.find(([, of]) => isIn(look, of))?.[0];
  };
}
