/** Pieces of a picture. */

export const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** How a text looks; `fill` is a colour. */
export interface TextStyle {
  readonly size?: number;
  readonly weight?: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
}
export function label(x: number, y: number, text: string, style: TextStyle = {}): string {
  const { size = 12, weight = "normal", anchor = "start", fill = "#222" } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${fill}">${
    escape(text)
  }</text>`;
}
/** A rectangle; `title` is shown when it is pointed at. */
export const box = (x: number, y: number, width: number, height: number, fill: string, title = "") =>
  `<rect x="${x}" y="${y}" width="${+width.toFixed(1)}" height="${height}" fill="${fill}">${
    title === "" ? "" : `<title>${escape(title)}</title>`
  }</rect>`;
