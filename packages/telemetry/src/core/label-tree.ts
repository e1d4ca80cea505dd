/**
 * Cells by label values: one small map per label. Finding a cell costs a few look-ups of strings that have been seen before, and
 * makes nothing; a key joined from the values, as Prometheus clients use it, costs ten times that.
 *
 * Bounded (G7): at most `maxCells`; whatever comes beyond them is counted together, with every label `other`.
 */
export interface LabelTree<Cell> {
  at(first: string, second?: string, third?: string): Cell;
  /** Each cell with its values, in the order of the labels. */
  entries(): Iterable<readonly [readonly string[], Cell]>;
}

const OTHER = 'other';

type Level<Cell> = Map<string, Level<Cell> | Cell>;

export function createLabelTree<Cell extends object>(
  depth: 1 | 2 | 3,
  maxCells: number,
  create: (values: readonly string[]) => Cell,
): LabelTree<Cell> {
  const root: Level<Cell> = new Map();
  let cells = 0;
  const others: readonly string[] = new Array<string>(depth).fill(OTHER);
  let other: Cell | undefined;

  const step = (level: Level<Cell>, value: string): Level<Cell> => {
    let next = level.get(value) as Level<Cell> | undefined;
    if (next === undefined) {
      next = new Map();
      level.set(value, next);
    }
    return next;
  };
  const leaf = (level: Level<Cell>, ...values: readonly string[]): Cell => {
    const cell = create(values);
    cells += 1;
    level.set(values.at(-1) as string, cell);
    return cell;
  };
  const find = (first: string, second: string, third: string): Cell | undefined => {
    const one = root.get(first);
    if (depth === 1 || one === undefined) return one as Cell | undefined;
    const two = (one as Level<Cell>).get(second);
    if (depth === 2 || two === undefined) return two as Cell | undefined;
    return (two as Level<Cell>).get(third) as Cell | undefined;
  };
  const add = (first: string, second: string, third: string): Cell => {
    if (cells >= maxCells) {
      other ??= create(others);
      return other;
    }
    if (depth === 1) return leaf(root, first);
    const one = step(root, first);
    return depth === 2 ? leaf(one, first, second) : leaf(step(one, second), first, second, third);
  };
  function* walk(level: Level<Cell>, values: readonly string[]): Generator<readonly [readonly string[], Cell]> {
    for (const [value, next] of level) {
      const path = [...values, value];
      if (path.length === depth) yield [path, next as Cell];
      else yield* walk(next as Level<Cell>, path);
    }
  }
  return {
    at: (first, second = '', third = '') => find(first, second, third) ?? add(first, second, third),
    *entries() {
      yield* walk(root, []);
      if (other !== undefined) yield [others, other];
    },
  };
}
