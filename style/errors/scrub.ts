// Takes out of a text what must not leave the page: credentials, personal data, and what follows a URL's path. Pure; the
// server's own reports go by the same rules.

const REDACTED = "[redacted]";

/** Names whose value is taken out, in `name=value`, `name: value` and `"name": "value"`. */
const SECRET_NAME =
  "[\\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|credentials?|authorization|session(?:[_-]?id)?|sid|auth|bearer|csrf|signature)";

const RULES: [RegExp, string | ((...groups: string[]) => string)][] = [
  [/-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/g, REDACTED],
  // Whole cookie headers: any name in one may be a session's.
  [/\b((?:set-)?cookie)(["']?\s*[:=]\s*)[^\r\n]+/gi, `$1$2${REDACTED}`],
  [/\beyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
  [/\b(bearer|basic|digest|negotiate)\s+[\w.~+/=:-]{4,}/gi, `$1 ${REDACTED}`],
  [/\b(?:tk_|sk[-_]|pk[-_]|rk[-_]|whsec_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|AIza)[\w-]{6,}/g, REDACTED],
  // User and password of a URL, a DSN's key among them.
  [/([a-z][a-z\d+.-]*:\/\/)[^\s/?#@"'<>]+@/gi, `$1${REDACTED}@`],
  // Query and fragment of an absolute URL or a path.
  [/((?:[a-z][a-z\d+.-]*:\/\/|(?<![\w/])\.{0,2}\/)[^\s?#"'<>()]*)[?#][^\s"'<>()]*/gi, "$1"],
  [/([?&][\w.~%[\]-]+=)[^\s&#"'<>()]*/g, `$1${REDACTED}`],
  [new RegExp(`(${SECRET_NAME})(["']?\\s*[:=]\\s*)("[^"]*"|'[^']*'|[^\\s"'&,;)}\\]]+)`, "gi"), `$1$2${REDACTED}`],
  [/[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d](?:[a-z\d-]*[a-z\d])?(?:\.[a-z\d](?:[a-z\d-]*[a-z\d])?)+/gi, "[email]"],
  [/(?<![\w.-])\d[\d -]{11,21}\d(?![\w-])/g, (digits) => (isCard(digits) ? REDACTED : digits)],
  [/(?<![\w.:])[\da-f:]*:[\da-f:]*:[\da-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%\w+)?(?![\w:])/gi, (text) => (isIpv6(text) ? "[ip]" : text)],
  [/(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\w)/g, "[ip]"],
];

const LONGEST = 4096;

/** The text without anything that must not leave; idempotent. */
export function scrub(text: string): string {
  let out = text.slice(0, LONGEST);
  for (const [pattern, replacement] of RULES) {
    out = typeof replacement === "string" ? out.replace(pattern, replacement) : out.replace(pattern, replacement);
  }
  return out;
}

/** 13 to 19 digits that pass Luhn's check. */
function isCard(text: string): boolean {
  const digits = text.replace(/[ -]/g, "");
  if (digits.length < 13 || digits.length > 19) return false;
  let sum = 0;
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]);
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** Tells an address from a time of day and from Rust's `a::b`. */
function isIpv6(text: string): boolean {
  const bare = text.replace(/%.*$/, "");
  const groups = bare.split(":");
  const short = bare.includes("::");
  if (groups.some((group) => group.length > 4 && !group.includes(".")) || bare.includes(":::")) return false;
  return short ? groups.length <= 9 && /\d/.test(bare) : groups.length === 8 || (groups.length === 7 && bare.includes("."));
}
