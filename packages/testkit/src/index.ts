export { type Exploration, explore, formatTrace, type Model, type ModelStep } from './model/explore.ts';
