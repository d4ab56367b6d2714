/** URLs of modules that are not imported but run by workers. */

/** The module of that name in this folder. A package of trapsh holds JavaScript: the ending is as this module's own. */
export function besideThis(name: string): URL {
  const [ending] = /\.\w+$/.exec(new URL(import.meta.url).pathname) ?? [".ts"];
  return new URL(`./${name}${ending}`, import.meta.url);
}
