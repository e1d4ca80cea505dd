export { type DeniedKey, type DeniedKeys, type DeniedKeysOptions, watchDeniedKeys } from './watch-denied-keys.ts';
