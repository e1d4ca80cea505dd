import { hostname, networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { createFindResembled } from './host-look.ts';
import { createLeadsBack } from './leads-back.ts';
import { checkTarget, ownHosts } from './target.ts';

const faultOf = (text: string, publicUrl: string) => {
  const leadsBack = createLeadsBack(ownHosts(publicUrl, ['go.example', '[2001:db8::1]:9000'], 8080), 8080);
  const target = checkTarget(text, { leadsBack, resembled: createFindResembled([]), privateTargets: 'allowed' });
  return target.outcome === 'refused' ? target.fault : undefined;
};

const addresses = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ scopeid = 0 }) => scopeid === 0)
  .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));

test.each([
  'localhost',
  'foo.localhost',
  'FOO.localhost.',
  '127.0.0.1',
  '127.0.0.2',
  '127.255.255.254',
  '0x7f.3',
  '0.0.0.0',
  '0',
  '[::]',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:127.1.2.3]',
  '[::ffff:0.0.0.0]',
  hostname(),
  ...addresses,
])('%s is this service on its own port, and somebody else on another one', (host) => {
  expect(faultOf(`http://${host}:8080/x`, 'https://sho.rt')).toMatch(/^must not lead back to this service, got "/);
  expect(faultOf(`http://${host}:8081/x`, 'https://sho.rt')).toBeUndefined();
});

test.each([
  ['http://93.184.216.34:18131', 'http://[::ffff:93.184.216.34]:18131/x'],
  ['http://[::ffff:93.184.216.34]:18131', 'http://93.184.216.34:18131/x'],
  ['http://[2001:db8::2]', 'http://[2001:db8:0::2]/'],
  ['http://sho.rt', 'https://SHO.rt/x'],
  ['http://sho.rt', 'https://go.example:1234/x'],
  ['http://sho.rt', 'http://[2001:db8::1]:9000/'],
])('of a service at %s a link to %s is a loop', (publicUrl, target) => {
  expect(faultOf(target, publicUrl)).toMatch(/^must not lead back to this service, got "/);
});

test.each([
  'http://93.184.216.35:18131/',
  'http://[2001:db8::1]/',
  'http://localhost.example:8080/',
  'http://8.8.8.8:8080/',
])('%s is somebody else', (target) => expect(faultOf(target, 'http://93.184.216.34:18131')).toBeUndefined());
