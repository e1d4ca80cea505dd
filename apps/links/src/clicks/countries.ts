import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ConfigurationError } from '@spillway/kernel';

/** What stands for a country, browser, system or device that can not be told. */
export const UNKNOWN = 'unknown';

export interface Countries {
  /** ISO 3166-1 alpha-2 code in capitals, or `unknown`. */
  of(address: string): string;
  /** The same for an IPv4 address whose number is known: most answers hold for its whole /24 network and are remembered. */
  ofIpv4(number: number, address: string): string;
  /**
   * Reads the database now rather than with the first click.
   * @throws {ConfigurationError} when it can not be read; every country is unknown then
   */
  load(): void;
}

/** /24 networks remembered: 65,536 numbers with shared texts are some 2 MB. */
const NETWORKS = 65_536;

const require = createRequire(import.meta.url);

/**
 * Countries by address from a MaxMind-format file: `'packaged'` (GeoFeed, Whois and ASN data of the regional registries; data by
 * the Number Resource Organization, nro.net), another file's path, or `'off'`. The file is read (8 MB, some 20 ms) with the
 * first address or by `load()`, so that starting does not wait for it. About 1 us per address.
 */
export function openCountries(source: 'packaged' | 'off' | (string & {})): Countries {
  if (source === 'off') return { of: () => UNKNOWN, ofIpv4: () => UNKNOWN, load: () => undefined };
  let look: ((address: string) => Found) | undefined;
  let failure: { readonly error: unknown } | undefined;
  const opened = () => {
    if (look !== undefined) return look;
    try {
      look = openFile(source === 'packaged' ? packagedFile() : source);
    } catch (error) {
      // A click without its country is better than none.
      look = () => ({ country: UNKNOWN, prefixLength: 0 });
      failure = { error };
    }
    return look;
  };
  const networks = new Map<number, string>();
  return {
    of: (address) => opened()(address).country,
    ofIpv4(number, address) {
      const network = number >>> 8;
      const known = networks.get(network);
      if (known !== undefined) return known;
      const { country, prefixLength } = opened()(address);
      if (networks.size >= NETWORKS) networks.clear();
      if (prefixLength <= 24) networks.set(network, country);
      return country;
    },
    load() {
      opened();
      if (failure !== undefined) throw failure.error;
    },
  };
}

interface Found {
  readonly country: string;
  /** How many leading bits of the address the answer depends on. */
  readonly prefixLength: number;
}

function packagedFile(): string {
  return require.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb');
}

function openFile(path: string): (address: string) => Found {
  // Loaded here and not at the top: nothing needs it before the first click.
  const { Reader } = require('mmdb-lib') as typeof import('mmdb-lib');
  let reader: InstanceType<typeof Reader>;
  try {
    reader = new Reader(readFileSync(path));
  } catch (cause) {
    throw new ConfigurationError('The country database can not be read', [
      {
        path: 'COUNTRY_DATABASE',
        message: `"${path}" is not a readable MMDB file (${(cause as Error).message}); name another file, or "off"`,
      },
    ]);
  }
  return (address) => {
    const [record, prefixLength] = reader.getWithPrefixLength(address);
    return { country: codeOf(record) ?? UNKNOWN, prefixLength };
  };
}

/** The packaged file has flat records `{ country_code }`; MaxMind's have `{ country: { iso_code } }`. */
function codeOf(record: unknown): string | undefined {
  if (typeof record !== 'object' || record === null) return undefined;
  if ('country_code' in record) return asCode(record.country_code);
  if ('country' in record && typeof record.country === 'object' && record.country !== null) {
    return 'iso_code' in record.country ? asCode(record.country.iso_code) : undefined;
  }
  return undefined;
}

function asCode(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Z]{2}$/.test(value) ? value : undefined;
}
