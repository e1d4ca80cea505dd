export { type CacheStoreSuiteOptions, cacheStoreSuite } from './cache-store-suite.ts';
export { type Chaos, type ChaosOptions, createChaos, type Fault, type Weather } from './chaos/chaos.ts';
export { type ChaosBusOptions, chaosBus } from './chaos/chaos-bus.ts';
export { chaosCacheStore } from './chaos/chaos-cache-store.ts';
export { chaosLoader, chaosPort } from './chaos/chaos-port.ts';
export { type MemoryCacheStore, memoryCacheStore, type Operation } from './memory-cache-store.ts';
