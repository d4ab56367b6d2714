/** Files that commands write. */
import { UserError } from "../../errors.ts";

/** Writes `text` over what is there. Throws `UserError` that says why a file cannot be written, and where one can be. */
export async function writeFile(file: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(file, text);
  } catch (error) {
    throw new UserError(`${file} cannot be written: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotCapable) {
    return "trapsh was started without the permission; deno task start may write below the folder where it was started";
  }
  if (error instanceof Deno.errors.NotFound) return "its folder does not exist";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not permit it";
  return error instanceof Error ? error.message : String(error);
}
