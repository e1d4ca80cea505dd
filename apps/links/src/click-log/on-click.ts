import type { EventLog } from '@spillway/events';
import { type Click, toClick, type Visit } from '../clicks/click.ts';
import { type Countries, openCountries } from '../clicks/countries.ts';
import { createIdentify } from '../clicks/identify.ts';

export interface ClickRecorder {
  /** Never waits and never throws: what can not be kept is counted as dropped. */
  record(visit: Visit): void;
  /** Reads the country database before the first click has to. @throws {ConfigurationError} */
  warm(): void;
}

/** From a redirect to the log of clicks. The client's address goes no further than this. */
export function createClickRecorder(options: {
  readonly events: Pick<EventLog<Click>, 'publish'>;
  readonly secret: string;
  readonly countryDatabase: string;
}): ClickRecorder {
  const countries: Countries = openCountries(options.countryDatabase);
  const identify = createIdentify({ secret: options.secret, countries });
  const { events } = options;
  return {
    record: (visit) => {
      events.publish(toClick(visit, identify));
    },
    warm: () => countries.load(),
  };
}
