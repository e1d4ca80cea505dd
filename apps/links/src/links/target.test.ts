import { describe, expect, test } from 'vitest';
import { createFindResembled } from './host-look.ts';
import { checkTarget, type TargetRules } from './target.ts';

const PUBLIC: TargetRules = {
  leadsBack: () => false,
  resembled: createFindResembled([]),
  privateTargets: 'refused',
};
const PRIVATE: TargetRules = { ...PUBLIC, privateTargets: 'allowed' };
const faultOf = (text: string, rules: TargetRules) => {
  const target = checkTarget(text, rules);
  return target.outcome === 'refused' ? target.fault : undefined;
};

const blanks = 'must have no blanks, line ends or control characters; write them %-encoded';
const whole = 'must have only whole Unicode characters, with no half of a surrogate pair';
const readable = 'must have a host that is a name like example.com, or an address';
const punycode = 'must have a host whose parts with "xn--" can be read (Punycode)';

test.each([
  ['https://example.com/a b', `${blanks}, got "https://example.com/a b"`],
  ['https://example.com/\n', `${blanks}, got "https://example.com/\\n"`],
  ['https://example.com/caf\ud800', `${whole}, got "https://example.com/caf\\ud800"`],
  ['https://ex\udc00.example/', `${whole}, got "https://ex\\udc00.example/"`],
  ['http://http://x/', 'must start with http:// or https:// only once, got "http://http://x/"'],
  ['https://HTTPS:/x/', 'must start with http:// or https:// only once, got "https://HTTPS:/x/"'],
  ['https://xn--/', `${punycode}, got "xn--"`],
  ['https://www.xn--a.example/', `${punycode}, got "www.xn--a.example"`],
  ['http://example.org:99999/', 'must have a port from 1 to 65535, got "http://example.org:99999/"'],
  ['http://example.org:80a?x', 'must have a port from 1 to 65535, got "http://example.org:80a?x"'],
  ['http://[::1/', `${readable}, got "http://[::1/"`],
  ['http://a<b>.example:80/', `${readable}, got "http://a<b>.example:80/"`],
  ['http://1.2.3.456/', `${readable}, got "http://1.2.3.456/"`],
])('%j: the fault that it has, and no other, whatever private targets are', (text, fault) => {
  for (const rules of [PUBLIC, PRIVATE]) expect(faultOf(text, rules)).toBe(fault);
});

const remedy = '; ALLOW_PRIVATE_TARGETS=true allows private ones';
test.each([
  ['http://wiki/', `must lead to a public host, whose name has a dot, got "wiki"${remedy}`],
  ['http://printer.lan/', `must lead to a public host, got "printer.lan"${remedy}`],
  ['http://10.0.0.1:81/', `must lead to a public host, got "10.0.0.1:81"${remedy}`],
  ['http://[::1]/', `must lead to a public host, got "[::1]"${remedy}`],
])('%j is private', (text, fault) => {
  expect(faultOf(text, PUBLIC)).toBe(fault);
  expect(faultOf(text, PRIVATE)).toBeUndefined();
});

test.each(['https://xn--mnchen-3ya.de/', 'https://münchen.de/', 'https://xn--zca.example/', 'http://http.example/'])(
  '%j is taken',
  (text) => expect(faultOf(text, PUBLIC)).toBeUndefined(),
);

describe('look-alikes of the own hosts', () => {
  const own = ['sho.rt', 'my-links.example', 'xn--mnchen-3ya.example', 'localhost', '10.0.0.1'];
  const rules: TargetRules = {
    leadsBack: (host) => host === 'sho.rt',
    resembled: createFindResembled(own),
    privateTargets: 'allowed',
  };

  test.each([
    ['https://sh\u043e.rt/x', 'sho.rt', 'xn--sh-gmc.rt'],
    ['https://xn--sh-gmc.rt/x', 'sho.rt', 'xn--sh-gmc.rt'],
    ['https://SH\u041e.rt:8443/', 'sho.rt', 'xn--sh-gmc.rt:8443'],
    ['https://www.sh\u03bf.rt./', 'sho.rt', 'www.xn--sh-kbc.rt.'],
    ['https://sh0.rt/', 'sho.rt', 'sh0.rt'],
    ['https://sh\u00f6.rt/', 'sho.rt', 'xn--sh-gka.rt'],
    ['https://\u0455\u04bb\u043e.rt/', 'sho.rt', undefined],
    ['https://my-1inks.example/', 'my-links.example', 'my-1inks.example'],
    ['https://munchen.example/', 'xn--mnchen-3ya.example', 'munchen.example'],
  ])('%s looks like %s', (text, name, host) => {
    const fault = faultOf(text, rules);
    expect(fault).toContain(`must not lead to a host that looks like "${name}", which is this service's own, got "`);
    if (host !== undefined) expect(fault).toContain(`got "${host}"`);
  });

  test.each([
    'https://www.sho.rt/',
    'https://short.example/',
    'https://sho.rt.example/',
    'https://xsho.rt/',
    'https://mylinks.example/',
    'https://m\u00fcnchen.example/',
    'https://\u043f\u0440\u0438\u043c\u0435\u0440.example/',
    'http://10.0.0.1/',
    'http://l0.o.o.l/',
    'http://loca1host/',
  ])('%s does not', (text) => expect(faultOf(text, rules)).toBeUndefined());
});
