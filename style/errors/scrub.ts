// Takes out of a text what must not leave the page: credentials, personal data, and what follows a URL's path. Pure. The
// rules and the words in brackets are the server's (its room `error_tracking`), so that both tiers read alike.

const REDACTED = "[redacted]";
/** Longer texts are cut before anything else looks at them: the browser's patterns backtrack, so their time is bounded by this. */
const LONGEST = 4 * 1024;

/** Names whose value is taken out. */
const NAMES =
  "password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|credential|token|auth|cookie|session|signature|bearer|jwt|dsn|x-knoxcall-key";

type Replace = (found: string, ...groups: string[]) => string;

const RULES: [RegExp, string | Replace][] = [
  [/-----BEGIN [A-Z\d ]{1,64}-----[\s\S]*?(?:-----END [A-Z\d ]{1,64}-----|$)/g, "[pem]"],
  // Before the pairs: these take the rest of the line.
  [/((?:proxy-)?authorization|(?:set-)?cookie|x-api-key|x-auth-token|x-knoxcall-key)(["']?\s{0,8}[:=]\s{0,8})[^\r\n]+/gi, `$1$2${REDACTED}`],
  // Before what is in a URL is looked at: its user name and password, and its query.
  [/([a-z][a-z\d+.-]{0,30}:\/\/)[^\s/?#"'<>]*@/gi, `$1${REDACTED}@`],
  [/((?::\/\/|\/)[^\s?#"'<>]*)[?#][^\s"'<>]*/g, "$1?[query]"],
  [/\b(bearer|basic|digest|negotiate|token)(\s{1,8})([\w.~+/=:-]{6,})/gi, scheme],
  [new RegExp(`((?:${NAMES})[\\w-]{0,40}["']?\\s{0,8}(?:=>|=|:)\\s{0,8})("[^"]*"|'[^']*'|[^\\s&]+)`, "gi"), `$1${REDACTED}`],
  [/eyJ[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*)?/g, "[jwt]"],
  [
    /(^|[^A-Za-z\d])(?:tk|sk|pk|rk|whsec|gh[pousr]|github_pat|glpat|xox[abeoprs]|hf|npm|pypi|shp(?:at|ca|pa|ss)|dop_v1)[_-][\w+/=-]{6,}/g,
    "$1[token]",
  ],
  [/(^|[^A-Za-z\d])(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z\d]{12,}/g, "$1[token]"],
  [/[A-Za-z\d+/_-]{32,}={0,2}/g, random],
  [/[^\s@<>"'(),:;=[\]{}/\\]{1,64}@[A-Za-z\d-]{1,63}(?:\.[A-Za-z\d-]{1,63}){0,8}\.[A-Za-z]{2,}/g, "[email]"],
  // Not what is a part of a longer word, such as the `::fa` of `server::faults`.
  [/(?<![\w:])[\dA-Fa-f]{0,4}(?::[\dA-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?(?![\w:])/g, (found) => (isIpv6(found) ? "[ip]" : found)],
  [/\d{1,3}(?:\.\d{1,3}){3}/g, (found) => (found.split(".").every((part) => Number(part) < 256) ? "[ip]" : found)],
  [
    /[\dA-Fa-f]{8}-(?:[\dA-Fa-f]{4}-){3}[\dA-Fa-f]{12}|\d(?:[ -]?\d){12,}/g,
    (found) => (UUID.test(found) || !isCard(found) ? found : "[card]"),
  ],
];

export const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** The text without anything that must not leave. */
export function scrub(text: string): string {
  if (UUID.test(text)) return text;
  let out = text;
  if (out.length > LONGEST) {
    // At a space, so that no half of a secret is left.
    const cut = out.lastIndexOf(" ", LONGEST);
    out = cut > 0 ? out.slice(0, cut) : "";
  }
  for (const [pattern, replacement] of RULES) {
    out = typeof replacement === "string" ? out.replace(pattern, replacement) : out.replace(pattern, replacement);
  }
  return out;
}

/** `basic information` is not a credential, `basic dXNlcjpwYXNz` is. */
function scheme(found: string, name: string, space: string, word: string): string {
  const plain = word.length < 20 && /^[a-z.:-]*$/.test(word);
  return plain && name.toLowerCase() !== "bearer" ? found : `${name}${space}${REDACTED}`;
}

/** Long and of all kinds of characters: no word, no path. Plain hexadecimal from 40 digits on; trace ids have 32. */
function random(found: string): string {
  const mixed = /\d/.test(found) && /[A-Z]/.test(found) && /[a-z]/.test(found);
  return mixed || /^[\dA-Fa-f]{40,}$/.test(found) ? REDACTED : found;
}

/** Whether the browser takes it as an IPv6 address; a time of day is none. */
function isIpv6(text: string): boolean {
  return text !== "::" && URL.canParse(`http://[${text}]/`);
}

/** Whether 13 to 19 digits of it in a row are a card's number (ISO/IEC 7812-1, annex B). */
function isCard(text: string): boolean {
  const digits = Array.from(text.replace(/\D/g, ""), Number);
  for (let length = 13; length <= 19; length += 1) {
    for (let start = 0; start + length <= digits.length; start += 1) {
      const window = digits.slice(start, start + length);
      if (window[0]! >= 2 && window[0]! <= 6 && luhn(window)) return true;
    }
  }
  return false;
}

function luhn(digits: number[]): boolean {
  const sum = digits.reverse().reduce((sum, digit, at) => sum + (at % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0);
  return sum % 10 === 0;
}
