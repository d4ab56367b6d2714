/** A flattened device tree, version 17. Devicetree Specification 0.4, chapter 5. */

/** A node: its own name, properties in the tree's bytes, nodes below it. */
export interface TreeNode {
  readonly name: string;
  readonly properties?: Readonly<Record<string, Uint8Array>>;
  readonly children?: readonly TreeNode[];
}

const MAGIC = 0xd00d_feed, VERSION = 17, COMPATIBLE = 16, HEADER = 40;
const BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, END = 9;

const encoder = new TextEncoder();

/** Numbers of 32 bits, big-endian whatever the guest's order is. */
export function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length), view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(4 * i, value >>> 0));
  return bytes;
}

/** Texts, each with a zero behind it. */
export function strings(...texts: readonly string[]): Uint8Array {
  return encoder.encode(texts.map((text) => `${text}\0`).join(""));
}

/** The tree as bytes; the root's name is the empty text. */
export function flatten(root: TreeNode, bootCpu = 0): Uint8Array {
  const structure: number[] = [], names: number[] = [], known = new Map<string, number>();
  const word = (value: number) => structure.push(...cells(value));
  const padded = (bytes: Uint8Array) => {
    structure.push(...bytes);
    while (structure.length % 4) structure.push(0);
  };
  const nameAt = (name: string) => {
    const at = known.get(name) ?? names.length;
    if (!known.has(name)) names.push(...strings(name));
    known.set(name, at);
    return at;
  };
  const node = ({ name, properties = {}, children = [] }: TreeNode) => {
    word(BEGIN_NODE);
    padded(strings(name));
    for (const [key, value] of Object.entries(properties)) {
      word(PROPERTY);
      word(value.length);
      word(nameAt(key));
      padded(value);
    }
    children.forEach(node);
    word(END_NODE);
  };
  node(root);
  word(END);
  // One reserved range of memory: the one of size 0 that ends the list.
  const reserved = HEADER, at = reserved + 16, texts = at + structure.length, size = texts + names.length;
  const bytes = new Uint8Array(size);
  bytes.set(
    cells(MAGIC, size, at, texts, reserved, VERSION, COMPATIBLE, bootCpu, names.length, structure.length),
  );
  bytes.set(structure, at);
  bytes.set(names, texts);
  return bytes;
}
