import { resolve } from 'node:path';
import { ConfigurationError, type Issue } from '@spillway/kernel';
import { openCountries } from '../clicks/countries.ts';
import { environment } from '../config/environment.ts';
import { faultOfDataDir } from '../foundation/data-dir.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** What is wrong with the directory and the file that the settings name, whatever else is wrong with them. */
export function faultsOfPlaces(variables: Variables): readonly Issue[] {
  const issues: Issue[] = [];
  const directory = environment.shape.DATA_DIR.safeParse(given(variables.DATA_DIR)).data;
  const fault = directory === undefined ? undefined : faultOfDataDir(resolve(directory));
  if (fault !== undefined) issues.push({ path: 'DATA_DIR', message: fault });
  const countries = environment.shape.COUNTRY_DATABASE.safeParse(given(variables.COUNTRY_DATABASE)).data;
  if (countries !== undefined) issues.push(...faultsOfCountries(countries));
  return issues;
}

/** An empty text counts as unset. */
const given = (text: string | undefined) => (text?.trim() === '' ? undefined : text);

function faultsOfCountries(source: string): readonly Issue[] {
  try {
    openCountries(source).load();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
}
