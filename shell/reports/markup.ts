/** Text of others in XML and HTML: names of devices and symbols are whatever their authors, or guests, chose. */

/** Control, formatting (as those that turn the direction of text round) and lone surrogate characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Text in which each character can be seen: what has no shape, or changes that of others, is written as `\u{202e}`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or for an attribute in quotes, in XML as in HTML. */
export function escapeText(text: string | number): string {
  return visible(String(text)).replaceAll(/[&<>"']/g, (character) => ENTITIES[character]);
}

/** An element with attributes; undefined ones are left out. `content` is markup, and the caller's to escape. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>>,
  content?: string,
): string {
  const list = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(value!)}"`)
    .join("");
  return content === undefined ? `<${name}${list}/>` : `<${name}${list}>${content}</${name}>`;
}
