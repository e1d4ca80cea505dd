/** As `work().then(done, failed)`, for work that may throw at once, too: the store may be anybody's. */
export function attempt<Result>(
  work: () => Promise<Result>,
  done: (result: Result) => void,
  failed: (error: unknown) => void,
) {
  try {
    work().then(done, failed);
  } catch (error) {
    failed(error);
  }
}
