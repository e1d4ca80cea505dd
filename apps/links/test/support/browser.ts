import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findServers, howToInstall, temporaryDirectory } from '@spillway/testkit';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

/** What a page did wrong while it was watched: all of it empty on a good one. */
export interface Complaints {
  /** Errors and warnings on the console, and exceptions that nobody caught. */
  readonly console: string[];
  /** Directive and address of everything that the content security policy stopped. */
  readonly policy: string[];
  /** Requests that left the origins of the test. */
  readonly elsewhere: string[];
}

export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
  /** A new tab that only reaches `origins`. `refusals: 'expected'` leaves out what Chromium says of answers from 400 on. */
  open(
    origins: readonly string[],
    options?: { refusals?: 'expected' },
  ): Promise<{ page: Page; complaints: Complaints }>;
  /** Keeps a picture for people, where `SPILLWAY_SCREENSHOTS` names a folder. */
  picture(page: Page, name: string): Promise<void>;
}

/** A real Chromium with an empty profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findServers().chromium;
  if (executablePath === undefined) throw new Error(`Chromium is needed for this test. ${howToInstall(['chromium'])}`);
  const profile = temporaryDirectory({ name: 'chromium' });
  const context = await chromium.launchPersistentContext(profile.path, {
    executablePath,
    headless: true,
    viewport: { width: 1200, height: 800 },
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  // In every page, before its own scripts: violations that happen later in the page's life are heard too.
  await context.addInitScript(
    `document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) =>
      console.error('policy: ' + effectiveDirective + ' ' + blockedURI))`,
  );
  context.setDefaultTimeout(20_000);
  return {
    context,
    async open(origins, { refusals } = {}) {
      const page = await context.newPage();
      const complaints: Complaints = { console: [], policy: [], elsewhere: [] };
      page.on('console', (message) => {
        const text = message.text();
        if (text.startsWith('policy: ')) complaints.policy.push(text.slice('policy: '.length));
        else if (refusals === 'expected' && text.startsWith('Failed to load resource')) return;
        else if (['error', 'warning'].includes(message.type())) complaints.console.push(text);
      });
      page.on('pageerror', (error) => complaints.console.push(String(error)));
      await page.route('**/*', async (route) => {
        const url = route.request().url();
        if (origins.some((origin) => url.startsWith(`${origin}/`)) || url.startsWith('data:')) return route.fallback();
        complaints.elsewhere.push(url);
        return route.abort();
      });
      return { page, complaints };
    },
    async picture(page, name) {
      const folder = process.env.SPILLWAY_SCREENSHOTS;
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      await profile.close();
    },
  };
}
