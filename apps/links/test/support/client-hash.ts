import { clientKey } from '@spillway/limit';
import { openCountries } from '../../src/clicks/countries.ts';
import { createIdentify } from '../../src/clicks/identify.ts';
import { showClient } from '../../src/requests/request.ts';

/** How a service with this secret shows the client at an address in its log of requests: an IPv6 one by its /64. */
export function createClientHash(secret: string): (ip: string) => string {
  const identify = createIdentify({ secret, countries: openCountries('off') });
  const own = new DataView(new ArrayBuffer(8));
  return (ip) => {
    identify(clientKey(ip), own, 0);
    return showClient(own.getBigInt64(0, true));
  };
}
