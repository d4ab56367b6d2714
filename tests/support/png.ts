/** Just enough of PNG (ISO/IEC 15948) to ask how bright a screenshot is: 8 bits a sample, RGB or RGBA, not interlaced. */

/** The mean of all pixels' mean of red, green and blue, 0 to 1. */
export async function brightness(png: Uint8Array): Promise<number> {
  const { width, channels, data } = await parse(png);
  const bytes = await inflate(data);
  const stride = width * channels;
  let above = new Uint8Array(stride), sum = 0, count = 0;
  for (let at = 0; at < bytes.length; at += stride + 1) {
    const line = unfilter(bytes[at], bytes.slice(at + 1, at + 1 + stride), above, channels);
    for (let x = 0; x < stride; x += channels) sum += line[x] + line[x + 1] + line[x + 2];
    count += 3 * width;
    above = line;
  }
  return sum / count / 255;
}

function parse(png: Uint8Array) {
  const view = new DataView(png.buffer, png.byteOffset), parts: Uint8Array[] = [];
  let width = 0, channels = 0;
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at), type = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === "IHDR") {
      width = view.getUint32(at + 8);
      const [depth, colour] = [body[8], body[9]];
      if (depth !== 8 || (colour !== 2 && colour !== 6)) throw new TypeError("a PNG of another kind");
      channels = colour === 2 ? 3 : 4;
    }
    if (type === "IDAT") parts.push(body);
    at += 12 + length;
  }
  return { width, channels, data: new Blob(parts as Uint8Array<ArrayBuffer>[]) };
}

async function inflate(data: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Response(data.stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer(),
  );
}

/** Undoes a line's filter (9.2). */
function unfilter(
  type: number,
  line: Uint8Array<ArrayBuffer>,
  above: Uint8Array<ArrayBuffer>,
  channels: number,
): Uint8Array<ArrayBuffer> {
  for (let x = 0; x < line.length; x++) {
    const a = x >= channels ? line[x - channels] : 0, b = above[x];
    const c = x >= channels ? above[x - channels] : 0;
    line[x] += [0, a, b, (a + b) >> 1, paeth(a, b, c)][type];
  }
  return line;
}

function paeth(a: number, b: number, c: number): number {
  const [pa, pb, pc] = [a, b, c].map((one) => Math.abs(a + b - c - one));
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}
