/** The version, here because the npm package has no deno.json; a test holds the two together. */
export const VERSION = "0.1.0";
