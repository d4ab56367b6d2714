/** A stop's data as text; the profile that priced it goes with the data. */
import { stopContext } from "../../reports/stop_context.ts";
import type { Style } from "../../style.ts";
import type { StopData } from "./stop.ts";

export function printStop(data: StopData, style: Style): string {
  return stopContext(data, style).join("\n");
}
