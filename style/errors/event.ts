// The event as it leaves: built anew from a list of what may be in it, so that what the SDK may add one day stays here.
import type { ErrorEvent, Exception, StackFrame } from "@sentry/browser";
import { scrub, UUID } from "./scrub.ts";

/** What the page says about itself. */
export interface Page {
  /** Such as `https://console.example.com`. */
  origin: string;
  path: string;
  /** The account's id; nobody on the pages outside. */
  user?: string | undefined;
  /** The id of the page's workspace. */
  tenant?: string | undefined;
  /** The page's component, or the one whose boundary caught the error. */
  component?: string | undefined;
}

/** The event with the page's tags and nothing else that is not in the list below. */
export function cleaned(event: ErrorEvent, page: Page): ErrorEvent {
  const tags: Record<string, string> = {};
  if (page.tenant && UUID.test(page.tenant)) tags["tenant_id"] = page.tenant;
  const component = event.tags?.["component"] ?? page.component;
  if (typeof component === "string") tags["component"] = scrub(component);
  const id = errorId(event);
  if (id) tags["errorId"] = id;
  const out: ErrorEvent = {
    type: undefined,
    platform: "javascript",
    tags,
    request: { url: scrub(page.origin + page.path) },
    ...defined("event_id", event.event_id),
    ...defined("timestamp", event.timestamp),
    ...defined("level", event.level),
    ...defined("release", event.release),
    ...defined("environment", event.environment),
    ...defined("sdk", event.sdk),
    ...defined("message", event.message === undefined ? undefined : scrub(event.message)),
  };
  if (page.user && UUID.test(page.user)) out.user = { id: page.user };
  if (event.exception?.values) out.exception = { values: event.exception.values.map((exception) => cleanedException(exception, page)) };
  return out;
}

/** The event's id as a UUID: what the person sees is found in the error tracking. */
export function errorId(event: { event_id?: string | undefined }): string | undefined {
  return event.event_id?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function cleanedException({ type, value, mechanism, stacktrace }: Exception, page: Page): Exception {
  const out: Exception = {};
  if (type !== undefined) out.type = scrub(type);
  if (value !== undefined) out.value = scrub(value);
  if (mechanism) out.mechanism = { type: mechanism.type, ...defined("handled", mechanism.handled) };
  if (stacktrace?.frames) out.stacktrace = { frames: stacktrace.frames.map((frame) => cleanedFrame(frame, page)) };
  return out;
}

function cleanedFrame({ filename, function: name, lineno, colno, in_app }: StackFrame, page: Page): StackFrame {
  return {
    // The host says nothing about the error, and may be an address.
    ...defined("filename", filename === undefined ? undefined : scrub(filename.replace(page.origin, "app://"))),
    ...defined("function", name === undefined ? undefined : scrub(name)),
    ...defined("lineno", lineno),
    ...defined("colno", colno),
    ...defined("in_app", in_app),
  };
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: V });
}
