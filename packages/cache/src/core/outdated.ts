/** An `expired` value may still stand in where nothing newer is to be had; an `invalidated` one may not. */
export type Outdated = 'invalidated' | 'expired';
