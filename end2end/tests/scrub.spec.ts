// What must not leave the browser with an error, in many disguises; the same table as the server's.
import { expect, test } from "@playwright/test";
import { cleaned } from "../../style/errors/event.ts";
import { scrub } from "../../style/errors/scrub.ts";
import { readable } from "../../style/errors/webkit.ts";

test("what must not leave", () => {
  for (const [given, expected] of [
    ["Bearer abc.DEF-123", "Bearer [redacted]"],
    ["Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted]"],
    ["basic dXNlcjpwYXNz refused", "basic [redacted] refused"],
    ["Cookie: a=b; session=xyz\nnext", "Cookie: [redacted]\nnext"],
    ["set-cookie: __Host-id=abc; Secure", "set-cookie: [redacted]"],
    ["key tk_9f8e7d6c5b4a unknown", "key [token] unknown"],
    ["tk_aaaaaa tk_bbbbbb", "[token] [token]"],
    ["sk-proj-abc_DEF-123456", "[token]"],
    ["(whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD)", "([token])"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "[jwt]"],
    ["-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nrest", "[pem]\nrest"],
    ["-----BEGIN PRIVATE KEY-----\nMIIE cut off", "[pem]"],
    ["https://public:secret@o1.ingest.sentry.io/42", "https://[redacted]@o1.ingest.sentry.io/42"],
    ["AKIAIOSFODNN7EXAMPLE used", "[token] used"],
    ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "[redacted]"],
    ["card 4111 1111 1111 1111 declined", "card [card] declined"],
    ["from ana.lopez+x@mail.example.com now", "from [email] now"],
    ["josé@example.com", "[email]"],
    ["connect 10.1.2.3:443 refused", "connect [ip]:443 refused"],
    ["[2001:db8::1]:443 refused", "[[ip]]:443 refused"],
    ["::ffff:10.0.0.1", "[ip]"],
    ["GET /a/b?token=xyz&c=d HTTP/1.1", "GET /a/b?[query] HTTP/1.1"],
    ["https://h.example/p#frag=1", "https://h.example/p?[query]"],
    ["password=hunter2 user=ana", "password=[redacted] user=ana"],
    ['{"clientSecret":"s3","n":1}', '{"clientSecret":[redacted],"n":1}'],
    ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "[redacted]"],
  ] as const) {
    expect(scrub(given), given).toBe(expected);
  }
});

test("what stays readable", () => {
  for (const text of [
    "connection refused: upstream.example.com:443",
    "server::faults panicked at server/src/faults.rs:12",
    "called `Option::unwrap()` on a `None` value",
    "internal error: entered unreachable code (tachys-0.2.19/src/hydration.rs:163:9)",
    "basic information is missing",
    "at 12:34:56 on 2026-11-22T12:34:56.123456789Z",
    "019a1b2c-4111-7111-8111-111111111111",
    "error 019a1b2c-4111-7111-8111-111111111111 of trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "knoxcall@0.1.0",
    "app:///pkg/knoxcall.0123456789abcdef.wasm:wasm-function[123]",
    "wasm://wasm-function[123]",
    "version 1.2.3 of 4",
    "a :: b",
  ]) {
    expect(scrub(text)).toBe(text);
  }
});

test("a long text is cut, and quickly, where no secret is halved", () => {
  const started = Date.now();
  const long = scrub(`${"word ".repeat(20_000)}tk_9f8e7d6c5b4a3f2e`);
  expect(long.length).toBeLessThan(5_000);
  expect(long).not.toContain("tk_");
  for (const nasty of ["a".repeat(100_000), "/".repeat(16_000), ":".repeat(16_000), "eyJ".repeat(5_000), "1 ".repeat(8_000), "token".repeat(3_000), "token=".repeat(3_000), "a@".repeat(3_000), "a.".repeat(3_000)]) scrub(nasty);
  expect(Date.now() - started).toBeLessThan(3_000);
});

test("WebKit's frames of WebAssembly become such as the SDK reads, and others stay", () => {
  for (const [given, expected] of [
    ["<?>.wasm-function[12]@[wasm code]", "@wasm://wasm-function[12]"],
    ["<?>.wasm-function[run]@[wasm code]", "@wasm://wasm-function[run]"],
    ["12@<?>:wasm-function[12]", "@wasm://wasm-function[12]"],
    ["run@<?>:wasm-function[12]", "run@wasm://wasm-function[12]"],
    ["run@wasm-function[12]", "run@wasm://wasm-function[12]"],
    ["12@wasm-function[12]:0x1a3f", "@wasm://wasm-function[12]"],
  ]) {
    expect(readable(`one@https://c.example/a.js:1:2\n${given}\ntwo@https://c.example/a.js:3:4`)).toBe(
      `one@https://c.example/a.js:1:2\n${expected}\ntwo@https://c.example/a.js:3:4`,
    );
  }
  for (const line of [
    "    at https://c.example/a.wasm:wasm-function[12]:0x1a3f",
    "    at run (https://c.example/a.wasm:wasm-function[12]:0x1a3f)",
    "run@https://c.example/a.wasm:wasm-function[12]:0x1a3f",
    "@https://c.example/a.wasm:wasm-function[12]:0x1a3f",
  ]) {
    expect(readable(line)).toBe(line);
  }
});

test("an event leaves with what is in the list and nothing else", () => {
  const planted = "tk_9f8e7d6c5b4a ana@example.com 203.0.113.9 /p?token=planted";
  const event = cleaned(
    {
      type: undefined,
      event_id: "0123456789abcdef0123456789abcdef",
      message: planted,
      server_name: planted,
      transaction: planted,
      logger: planted,
      extra: { planted },
      contexts: { trace: { trace_id: "0".repeat(32), span_id: "0".repeat(16) }, planted: { planted } },
      breadcrumbs: [{ message: planted }],
      tags: { component: "KeyList", planted },
      user: { id: "1", email: planted, ip_address: "203.0.113.9", username: planted },
      request: { url: planted, query_string: planted, cookies: { planted }, headers: { planted }, data: planted },
      exception: { values: [{ type: "Error", value: planted, module: planted, stacktrace: { frames: [{ filename: "https://c.example/pkg/a.js", function: planted, vars: { planted }, context_line: planted }] } }] },
    },
    { origin: "https://c.example", path: "/w/acme", user: "not a UUID", tenant: "019a1b2c-4111-7111-8111-111111111111", component: "RouteList" },
  );
  expect(JSON.stringify(event)).not.toMatch(/tk_9f|ana@|203\.0|planted/);
  expect(event.user).toBeUndefined();
  expect(event.tags).toEqual({ tenant_id: "019a1b2c-4111-7111-8111-111111111111", component: "KeyList", errorId: "01234567-89ab-cdef-0123-456789abcdef" });
  expect(event.request).toEqual({ url: "https://c.example/w/acme" });
  expect(event.exception?.values?.[0]?.stacktrace?.frames?.[0]?.filename).toBe("app:///pkg/a.js");
});
