/**
 * Gives a region's blocks the shape that WebAssembly's control flow has: blocks in an order in which branches go
 * forward, loops around those that are gone round. Any graph has one, as a loop may be entered at several blocks.
 */

/** A block, by its number, or a loop around items that are in order. */
export type Item = { readonly kind: "block"; readonly block: number } | Loop;

export interface Loop {
  readonly kind: "loop";
  /** Blocks at which it is entered and gone round to. */
  readonly heads: readonly number[];
  readonly items: readonly Item[];
}

/**
 * The shape of blocks 0 to `successors.length - 1` that are entered at `entries`; `successors` are branches between them.
 * Blocks that nothing leads to are left out. Within a loop a branch goes to one of its heads, or of those around it, or
 * to an item that stands further on.
 */
export function shapeOf(successors: readonly (readonly number[])[], entries: readonly number[]): Loop {
  const edges = successors.map((list) => new Set(list));
  const nodes = new Set(entries);
  for (const node of nodes) for (const next of edges[node]) nodes.add(next);
  return { kind: "loop", heads: entries, items: itemsOf(nodes, edges, new Set(entries)) };
}

/** `entered` are those that branches lead to from elsewhere. */
function itemsOf(nodes: ReadonlySet<number>, edges: Set<number>[], entered: ReadonlySet<number>): Item[] {
  const groups = components(nodes, edges);
  const group = new Map(groups.flatMap((members, i) => members.map((node) => [node, i] as const)));
  return groups.map((members, i): Item => {
    const [only] = members;
    if (members.length === 1 && !edges[only].has(only)) return { kind: "block", block: only };
    const isHead = (node: number) =>
      entered.has(node) || [...nodes].some((from) => edges[from].has(node) && group.get(from) !== i);
    const heads = members.filter(isHead);
    const inside = new Set(members);
    for (const node of members) for (const head of heads) edges[node].delete(head);
    return { kind: "loop", heads, items: itemsOf(inside, edges, new Set(heads)) };
  });
}

/** Strongly connected components, those that lead to others first (Tarjan, 1972; without recursion). */
function components(nodes: ReadonlySet<number>, edges: readonly ReadonlySet<number>[]): number[][] {
  const order = new Map<number, number>(), low = new Map<number, number>();
  const open: number[] = [], isOpen = new Set<number>(), found: number[][] = [];
  for (const root of nodes) {
    if (order.has(root)) continue;
    const path: { node: number; rest: number[] }[] = [];
    const enter = (node: number) => {
      order.set(node, order.size);
      low.set(node, order.get(node)!);
      open.push(node);
      isOpen.add(node);
      path.push({ node, rest: [...edges[node]].filter((next) => nodes.has(next)) });
    };
    enter(root);
    while (path.length > 0) {
      const { node, rest } = path[path.length - 1], next = rest.pop();
      if (next !== undefined) {
        if (!order.has(next)) enter(next);
        else if (isOpen.has(next)) low.set(node, Math.min(low.get(node)!, order.get(next)!));
        continue;
      }
      path.pop();
      const above = path.at(-1)?.node;
      if (above !== undefined) low.set(above, Math.min(low.get(above)!, low.get(node)!));
      if (low.get(node) !== order.get(node)) continue;
      const members = open.splice(open.indexOf(node));
      for (const member of members) isOpen.delete(member);
      found.push(members);
    }
  }
  return found.reverse();
}
