/** Keeps secrets out of everything that is printed or thrown. @module */

/** What stands in a secret's place. */
export const REDACTED = "[hidden]";

/** Shorter secrets are found in ordinary words, so they are hidden only where they stand alone. */
const LONG = 8;

/** Even alone, shorter ones are ordinary words. */
const LEAST = 4;

/**
 * What has the shape of a key that may do harm, whoever's it is: a secret key, a personal access
 * token, a JSON Web Token. A JWT's header alone is the same for everyone and no secret.
 */
const KEY_SHAPES = [
  /sb_secret_[\w-]{8,}/g,
  /sbp_(?:[a-z\d]+_)?[\da-f]{8,}/g,
  /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*)?/g,
];

/** A database's address with a password in it. */
const ADDRESS_WITH_PASSWORD = /\bpostgres(?:ql)?:\/\/[^\s:@/]*:[^\s@]+@/;

/**
 * Whether text holds what looks like a key, or a database's address with its password.
 *
 * @param text The text.
 */
export function holdsKey(text: string): boolean {
  return [...KEY_SHAPES, ADDRESS_WITH_PASSWORD].some((shape) => text.search(shape) !== -1);
}

/**
 * Makes a function that takes secrets out of text, and whatever else looks like a key: as they
 * are, with any of their characters escaped for a URL or for JSON, in hexadecimal, and in base64
 * or base64url wherever they stand in a longer value. The parts of a JWT that are its own, what
 * follows the prefix of a key, and the password in a URL are secrets too. The time it takes grows
 * with the length of the text alone.
 *
 * @param secrets The secrets. Those of less than four characters are not found.
 * @returns The function.
 */
export function createRedactor(
  secrets: readonly (string | undefined)[],
): (text: string) => string {
  const parts = new Set(secrets.flatMap((secret) => partsOf(secret?.trim() ?? "")));
  // The longest first, so that a secret goes as a whole before a part of it does.
  const patterns = [...parts].filter(({ length }) => length >= LEAST)
    .sort((a, b) => b.length - a.length)
    .flatMap(patternsOf);
  return (text) => {
    // In no form is a secret shorter than it is. A pattern is compiled when it is used first, which
    // takes longer than a short command has.
    const possible = patterns.filter(({ length }) => length <= text.length);
    return [...possible.map(({ pattern }) => pattern), ...KEY_SHAPES]
      .reduce((kept, pattern) => kept.replace(pattern, REDACTED), text);
  };
}

/** A secret, and what of it is one on its own. */
function partsOf(secret: string): string[] {
  const jwt = /^[\w-]+\.([\w-]+)\.([\w-]+)$/.exec(secret)?.slice(1) ?? [];
  const withoutPrefix = /^(?:sb_secret|sbp)_(.+)$/.exec(secret)?.slice(1) ?? [];
  return [secret, ...jwt, ...withoutPrefix, ...passwordsOf(secret)];
}

/**
 * The password of a URL, as it stands there and decoded. One that is also the user's or the
 * database's name (`postgres`) is left: hiding it would hide what is public.
 */
function passwordsOf(url: string): string[] {
  const password = /^\w+:\/\/[^:@/]*:(.*)@/.exec(url)?.[1] ?? "";
  if (password === "" || url.replace(`:${password}@`, "@").includes(password)) return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password]; // a percent sign that encodes nothing
  }
}

/** Finds a secret in one of its forms. */
interface SecretPattern {
  readonly pattern: RegExp;
  /** How many characters it has at least. */
  readonly length: number;
}

function patternsOf(secret: string): SecretPattern[] {
  const { length } = secret;
  const plain = [...secret].map(inAnyEscape).join("");
  if (length < LONG) return [{ pattern: new RegExp(`(?<!\\w)${plain}(?!\\w)`, "g"), length }];
  const bytes = new TextEncoder().encode(secret);
  return [plain, inHex(bytes), ...[0, 1, 2].map((offset) => inBase64(bytes, offset))]
    .map((source) => ({ pattern: new RegExp(source, "g"), length }));
}

/** The source of a pattern: a character as it is, percent-encoded (also twice), or as in JSON. */
function inAnyEscape(character: string): string {
  if (/[A-Za-z\d]/.test(character)) return character; // nothing encodes these
  const units = Array.from(
    { length: character.length },
    (_, index) => character.charCodeAt(index).toString(16).padStart(4, "0"),
  );
  const encodings = [
    units.map((unit) => `\\\\{0,4}\\u${unit}`),
    units.map((unit) => `\\\\{1,4}u${anyCase(unit)}`),
    [...new TextEncoder().encode(character)].map((byte) => `%(?:25){0,2}${anyCase(toHex(byte))}`),
    character === " " ? ["\\+"] : [],
  ];
  return `(?:${encodings.map((parts) => parts.join("")).filter((it) => it !== "").join("|")})`;
}

function inHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => anyCase(toHex(byte))).join("");
}

/**
 * The source of a pattern: what the base64 of every text has in common that holds the bytes after
 * `offset` bytes of something else, counted modulo three. It may be wrapped into lines.
 */
function inBase64(bytes: Uint8Array, offset: number): string {
  const before = String.fromCharCode(...new Uint8Array(offset));
  const text = btoa(before + String.fromCharCode(...bytes));
  const own = text.slice(Math.ceil(offset * 8 / 6), Math.floor((offset + bytes.length) * 8 / 6));
  return [...own].map((character) => {
    if (character === "+") return "(?:[+-]|%2[bB])";
    return character === "/" ? "(?:\\\\{0,4}[/_]|%2[fF])" : character;
  }).join("\\s*");
}

function toHex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function anyCase(hex: string): string {
  return hex.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
