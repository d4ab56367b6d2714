/** Replies that are longer than the buffer that was ready for them. */

/** What came of a reply: as much as its buffer had room for, and how many bytes there are. */
export interface ReplyPart {
  readonly part: Uint8Array;
  readonly length: number;
}

/** The whole of it. The device's end keeps what did not fit, which `rest` fetches; the handler is not called again. */
export async function wholeReply(
  first: ReplyPart,
  rest: (bytes: number) => Promise<ReplyPart>,
): Promise<Uint8Array> {
  const { part, length } = first;
  if (length <= part.length) return part;
  const reply = new Uint8Array(length);
  reply.set(part);
  reply.set((await rest(length - part.length)).part, part.length);
  return reply;
}
