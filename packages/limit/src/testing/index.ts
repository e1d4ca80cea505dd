export { createFakeClock, type FakeClock } from './fake-clock.ts';
export { HOSTILE_KEYS } from './hostile-keys.ts';
export {
  type LimitStoreSuiteOptions,
  limitStoreSuite,
  type OwnUnderTest,
  type StoredKey,
  type StoreUnderTest,
} from './limit-store-suite.ts';
