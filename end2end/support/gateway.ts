// A request through the gateway with the key of the workspace acme.
import { ACME_KEY } from "./test.ts";

/** Returns the request's id. */
export async function send(gateway: string, path: string, route = "billing"): Promise<string> {
  const response = await fetch(`${gateway}${path}`, { headers: { "x-knoxcall-key": ACME_KEY, "x-knoxcall-route": route } });
  await response.arrayBuffer();
  return response.headers.get("x-request-id") ?? "";
}
