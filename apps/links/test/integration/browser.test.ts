import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, startBrowser } from '../support/browser.ts';
import { type Embedded, startEmbedded } from '../support/spillway.ts';

const CLEAN = { console: [], policy: [], elsewhere: [] };

describe('in a real browser', () => {
  let service: Embedded;
  let browser: Browser;
  // Where the short links lead to: the tests meet nothing but this machine.
  const target = createServer((_request, response) => {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<title>Arrived</title><link rel="icon" href="data:,">');
  });
  let targetUrl: string;

  beforeAll(async () => {
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    service = await startEmbedded({ ALLOW_PRIVATE_TARGETS: 'true', PUBLIC_URL: '' });
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    await service?.[Symbol.asyncDispose]();
    target.closeAllConnections();
    target.close();
  });
  const home = () => service.url.replace('127.0.0.1', 'localhost');

  test('what this test listens for is heard: an error, a breach of the policy, a request to another host', async () => {
    const { page, complaints } = await browser.open([home()]);
    await page.goto(home());
    await page.evaluate(`console.error('planted');
      document.body.append(Object.assign(document.createElement('script'), { textContent: 'planted()' }))`);
    await expect.poll(() => complaints.policy).toEqual(['script-src-elem inline']);
    await expect.poll(() => complaints.console).toContain('planted');
    // Last: a page that is being left may not tell any more what it refused.
    await page.evaluate(`location.href = 'http://elsewhere.example/'`);
    await expect.poll(() => complaints.elsewhere).toEqual(['http://elsewhere.example/']);
  });

  test('the page shortens a link at once, and the short link leads to its target', async () => {
    const { page, complaints } = await browser.open([home(), targetUrl]);
    await page.goto(home());
    await page.getByLabel('Address').fill(`${targetUrl}/a/long/path?with=query`);
    await page.getByRole('button', { name: 'Shorten' }).click();
    const link = page.locator('#shorten-answer a');
    await link.waitFor();
    expect(await link.getAttribute('href')).toMatch(new RegExp(`^${home()}/[1-9A-HJ-NP-Za-km-z]{7}$`));
    await browser.picture(page, 'shortened');
    await link.click();
    await page.waitForURL(`${targetUrl}/a/long/path?with=query`);
    expect(await page.title()).toBe('Arrived');
    expect(complaints).toEqual(CLEAN);
  });

  test('the page checks a limit until it is denied, and says when to try again', async () => {
    const { page, complaints } = await browser.open([home()]);
    await page.goto(home());
    const answer = page.locator('#check-answer');
    await page.getByLabel('Key', { exact: true }).fill('a user of this test');
    for (let left = 9; left >= 0; left -= 1) {
      await page.getByRole('button', { name: 'Take one' }).click();
      await answer.getByText(`${left} of 10 left`).waitFor();
      await answer.getByText('allowed', { exact: true }).waitFor();
      if (left === 9) await browser.picture(page, 'allowed');
    }
    await page.getByRole('button', { name: 'Take one' }).click();
    await answer.getByText(/denied, try again in \d+ s/).waitFor();
    await browser.picture(page, 'denied');
    expect(complaints).toEqual(CLEAN);
  });

  test('the cache figures follow a redirect', async () => {
    const { page, complaints } = await browser.open([home()]);
    await page.goto(home());
    const figure = (row: string) => page.locator('#figures tr', { hasText: row }).locator('td').nth(1);
    const read = async (row: string) => Number(await figure(row).textContent());
    await figure('L1').waitFor();
    const before = { l1: await read('L1'), database: await read('the database') };
    const created = await fetch(`${home()}/api/v1/links`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: `${targetUrl}/figures` }),
    });
    const { shortUrl } = (await created.json()) as { shortUrl: string };
    for (let visit = 0; visit < 3; visit += 1) {
      expect((await fetch(shortUrl, { redirect: 'manual' })).status).toBe(302);
    }
    await expect
      .poll(async () => (await read('L1')) + (await read('the database')), { timeout: 15_000 })
      .toBe(before.l1 + before.database + 3);
    expect(await read('L1')).toBeGreaterThanOrEqual(before.l1 + 2);
    await page.getByText(/links? in memory/).waitFor();
    await browser.picture(page, 'figures');
    expect(complaints).toEqual(CLEAN);
  });

  test('a refused address shows its reason', async () => {
    const { page, complaints } = await browser.open([home()], { refusals: 'expected' });
    await page.goto(home());
    const answer = page.locator('#shorten-answer.wrong');
    for (const [url, reason] of [
      ['javascript:alert(1)', /http/],
      [`${home()}/again`, /lead back/],
      ['https://user:password@example.com/', /password|credentials/i],
    ] as const) {
      await page.getByLabel('Address').fill(url);
      await page.getByRole('button', { name: 'Shorten' }).click();
      await answer.getByText(reason).first().waitFor();
    }
    await page.getByLabel('Address').fill('https://example.com/');
    await page.getByLabel('Alias').fill('api');
    await page.getByRole('button', { name: 'Shorten' }).click();
    await answer
      .getByText(/reserved/)
      .first()
      .waitFor();
    await browser.picture(page, 'refused');
    expect(complaints).toEqual(CLEAN);
  });

  test('hostile text stays text, wherever it comes back', async () => {
    const { page, complaints } = await browser.open([home()], { refusals: 'expected' });
    page.on('dialog', (dialog) => complaints.console.push(`dialog: ${dialog.message()}`));
    const hostile = '"><img/src=x/onerror=alert(1)><script>alert(2)</script>';
    await page.goto(home());
    await page.getByLabel('Address').fill(`https://example.com/${hostile}`);
    await page.getByLabel('Alias').fill(hostile);
    await page.getByRole('button', { name: 'Shorten' }).click();
    await page.locator('#shorten-answer.wrong').getByText(/alias/).first().waitFor();
    await page.getByLabel('Alias').fill('');
    await page.getByRole('button', { name: 'Shorten' }).click();
    await page.locator('#shorten-answer').getByText('leads to https://example.com/').waitFor();
    await page.getByLabel('Key', { exact: true }).fill(hostile);
    await page.getByRole('button', { name: 'Take one' }).click();
    await page.locator('#check-answer').getByText('allowed').waitFor();
    expect(await page.locator('img, output script').count()).toBe(0);
    await browser.picture(page, 'hostile');

    for (const path of [
      '/<script>alert(3)</script>',
      `/${encodeURIComponent(hostile)}`,
      '/api/v1/<svg onload=alert(4)>',
    ]) {
      await page.goto(home() + path);
      expect(await page.locator('script, img, svg').count(), path).toBe(0);
    }
    expect(complaints).toEqual(CLEAN);
  });

  test('people meet a page for a link that is not there, and a form for one with a password', async () => {
    const { page, complaints } = await browser.open([home(), targetUrl], { refusals: 'expected' });
    await page.goto(`${home()}/nothing-here`);
    await browser.picture(page, 'not-found');
    const created = await fetch(`${home()}/api/v1/links`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: `${targetUrl}/secret`, password: 'open sesame' }),
    });
    const { shortUrl } = (await created.json()) as { shortUrl: string };
    await page.goto(shortUrl);
    await browser.picture(page, 'password');
    await page.locator('input[type=password]').fill('wrong');
    await page.keyboard.press('Enter');
    await page
      .getByText(/wrong|not the password/i)
      .first()
      .waitFor();
    await browser.picture(page, 'wrong-password');
    await page.locator('input[type=password]').fill('open sesame');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${targetUrl}/secret`);
    expect(complaints).toEqual(CLEAN);
  });

  test('/docs lists every operation without leaving this machine', async () => {
    const { page, complaints } = await browser.open([home()]);
    await page.goto(`${home()}/docs`);
    await page.locator('.opblock').first().waitFor();
    const { paths } = (await (await fetch(`${home()}/openapi.json`)).json()) as { paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((methods) => Object.keys(methods)).length;
    expect(operations).toBeGreaterThan(15);
    await expect.poll(() => page.locator('.opblock').count()).toBe(operations);
    await page.locator('.opblock-summary', { hasText: '/api/v1/links/batch' }).click();
    await page.getByRole('button', { name: 'Try it out' }).click();
    await browser.picture(page, 'docs');
    expect(complaints).toEqual(CLEAN);
  });
});
