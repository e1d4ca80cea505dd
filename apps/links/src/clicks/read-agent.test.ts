import { expect, test } from 'vitest';
import { readAgent } from './read-agent.ts';

test.each([
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    { browser: 'Chrome', system: 'Windows', device: 'desktop', bot: false },
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    { browser: 'Safari', system: 'iOS', device: 'mobile', bot: false },
  ],
  [
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    { browser: 'Googlebot', system: 'unknown', device: 'bot', bot: true },
  ],
  ['curl/8.5.0', { browser: 'unknown', system: 'unknown', device: 'bot', bot: true }],
  ['', { browser: 'unknown', system: 'unknown', device: 'bot', bot: true }],
  ['-', { browser: 'unknown', system: 'unknown', device: 'bot', bot: true }],
])('the user agent %j is read', (userAgent, agent) => {
  expect(readAgent(userAgent)).toEqual(agent);
});

test('a name that a user agent gives itself is bounded', () => {
  for (const hostile of [`${'x'.repeat(500)}/1.0`, 'Mozilla/5.0 ('.repeat(40), '\0', '/'.repeat(512)]) {
    const agent = readAgent(hostile);
    for (const name of [agent.browser, agent.system, agent.device]) expect(name.length).toBeLessThanOrEqual(64);
  }
});
