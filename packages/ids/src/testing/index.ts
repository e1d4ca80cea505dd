export { type BlockSourceSuiteOptions, blockSourceSuite, type SourceUnderTest } from './block-source-suite.ts';
