import { readFile } from 'node:fs/promises';
import { isSpillwayError } from '@spillway/kernel';
import { type Policy, parsePolicy } from '@spillway/limit';
import { rate } from '../../config/values.ts';
import { CliError, EXIT } from '../failure.ts';

/** A policy, and how the report calls it: as it was written. */
export interface NamedPolicy {
  readonly label: string;
  readonly policy: Policy;
}

const MOST_POLICIES = 20;

/**
 * Policies in the short form of the configuration (`50/m burst 10`), and those of a JSON file.
 * @throws {CliError} with every policy at fault
 */
export async function readPolicies(given: readonly string[], file: string | undefined): Promise<NamedPolicy[]> {
  const faults: string[] = [];
  const fault = (error: unknown): [] => {
    if (!(error instanceof CliError) && !isSpillwayError(error)) throw error;
    faults.push((error as Error).message);
    return [];
  };
  const attempt = <Result>(work: () => Result): Result[] => {
    try {
      return [work()];
    } catch (error) {
      return fault(error);
    }
  };
  const inputs = file === undefined ? [] : await filePolicies(file).catch(fault);
  const policies = [
    ...given.flatMap((text, at) => attempt(() => ({ label: text.trim(), policy: shortPolicy(text, at + 1) }))),
    ...inputs.flatMap((input) =>
      attempt(() => {
        const policy = parsePolicy(input);
        return { label: policy.name, policy };
      }),
    ),
  ];
  for (const { label, policy } of policies) {
    if (policy.strategy !== 'concurrency') continue;
    faults.push(
      `"${label}" limits what runs at the same time, and an access log does not say when a request began and ended; remove it`,
    );
  }
  const labels = policies.map(({ label }) => label);
  const twice = labels.find((label, at) => labels.indexOf(label) < at);
  if (twice !== undefined) faults.push(`"${twice}" is given twice; remove one, or give it another name`);
  if (policies.length > MOST_POLICIES) {
    faults.push(`${policies.length} policies are given, at most ${MOST_POLICIES} are simulated at once; remove some`);
  }
  if (faults.length > 0) throw new CliError(faults.join('\n'), { exitCode: EXIT.usage });
  return policies;
}

function shortPolicy(text: string, number: number): Policy {
  const parsed = rate().safeParse(text);
  if (!parsed.success) throw wrong(`--policy ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
  if (parsed.data === 'off') throw wrong('--policy off limits nothing; leave it out');
  const { tokens, every, burst } = parsed.data;
  return parsePolicy({
    strategy: 'token-bucket',
    name: `policy-${number}`,
    capacity: burst,
    refill: { tokens, every },
  });
}

async function filePolicies(file: string): Promise<readonly unknown[]> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw wrong(`"${file}" can not be read (${cause.code}); give a JSON file with policies`, cause);
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw wrong(`"${file}" is not JSON (${(cause as Error).message})`, cause);
  }
  const policies = Array.isArray(content) ? content : (content as { readonly policies?: unknown } | null)?.policies;
  if (Array.isArray(policies) && policies.length > 0) return policies;
  throw wrong(
    `"${file}" must hold a list of policies, e.g. [{ "strategy": "fixed-window", "name": "free", "limit": 10, "window": "1m" }]`,
  );
}

const wrong = (message: string, cause?: unknown): CliError => new CliError(message, { exitCode: EXIT.usage, cause });
