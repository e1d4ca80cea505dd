import Bowser from 'bowser';
import { isbot } from 'isbot';
import { UNKNOWN } from './countries.ts';
import { memoizeRecent } from './memoize-recent.ts';

/** What a user agent says of itself. */
export interface Agent {
  readonly browser: string;
  readonly system: string;
  /** `desktop`, `mobile`, `tablet`, `tv`, `bot` or `unknown`. */
  readonly device: string;
  readonly bot: boolean;
}

/** User agents remembered per generation. */
const REMEMBERED = 4096;
/** The names are bowser's, but a user agent may put itself into one. */
const MAX_NAME = 64;

/**
 * Reads a user agent. No user agent at all, or only `-`, is a bot: every browser sends one.
 * Some 10 to 50 us for one not seen lately, so it belongs into the sink.
 */
export const readAgent: (userAgent: string) => Agent = memoizeRecent(REMEMBERED, (userAgent: string) => {
  const named = userAgent !== '' && userAgent !== '-';
  const bot = !named || isbot(userAgent);
  const found = named ? Bowser.parse(userAgent) : undefined;
  return {
    browser: nameOf(found?.browser.name),
    system: nameOf(found?.os.name),
    device: bot ? 'bot' : nameOf(found?.platform.type),
    bot,
  };
});

function nameOf(name: string | undefined): string {
  return name === undefined || name === '' ? UNKNOWN : name.slice(0, MAX_NAME);
}
