import fc from 'fast-check';

// fast-check prints seed and path of a failure. One seed for a whole run, settable, so that a run can be repeated.
fc.configureGlobal({ seed: Number(process.env.SPILLWAY_SEED ?? Date.now() & 0x7fffffff) });

export { fc };
