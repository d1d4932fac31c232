import type { MessageKey } from '../i18n/catalogue';

/** A rule that a field breaks, to be said in whatever language is chosen. */
export interface Violation {
  readonly field: string;
  readonly key: MessageKey;
  readonly values?: Readonly<Record<string, string | number>>;
}

export type Broken = Omit<Violation, 'field'> | null;

// The rules here are the server's. It checks again; these only spare a round trip.
const nameMax = 63;
const looksLikeId = /^(a|u|tok|z|h|flv|img|key|net|subnet|sg|sgr|i|eni|ev|con)-[0-9a-f]{17}$/;

export function required(text: string): Broken {
  return text.trim() === '' ? { key: 'rule.required' } : null;
}

export function name(text: string): Broken {
  if (text === '') return { key: 'rule.required' };
  const characters = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].length;
  if (characters > nameMax || text.length > 4 * nameMax) return { key: 'rule.tooLong', values: { max: nameMax } };
  if (text !== text.trim() || /[\p{Cc}/\\\u2028\u2029]/u.test(text) || !text.isWellFormed()) return { key: 'rule.nameCharacters' };
  return looksLikeId.test(text) || text === 'me' || text === 'current' ? { key: 'rule.nameIsId' } : null;
}

export function wholeNumber(text: string, min: number, max: number): Broken {
  return /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max ? null : { key: 'rule.between', values: { min, max } };
}

function octets(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255)) return null;
  return parts.reduce((sum, p) => sum * 256 + Number(p), 0);
}

export function address(text: string): Broken {
  return octets(text) === null ? { key: 'rule.address' } : null;
}

/** An IPv4 range whose host bits are zero. */
export function cidr(text: string): Broken {
  const [range = '', prefix = '', ...rest] = text.split('/');
  const base = octets(range);
  const wrong = { key: 'rule.cidr' } as const;
  if (base === null || rest.length > 0 || !/^(\d|[12]\d|3[0-2])$/.test(prefix)) return wrong;
  return base % 2 ** (32 - Number(prefix)) === 0 ? null : wrong;
}

export function url(text: string): Broken {
  return /^https?:\/\/[^\s/]+/i.test(text) && URL.canParse(text) ? null : { key: 'rule.url' };
}

export function sha256(text: string): Broken {
  return /^[0-9a-f]{64}$/i.test(text) ? null : { key: 'rule.sha256' };
}

export function publicKey(text: string): Broken {
  return /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=*( .*)?$/.test(text.trim())
    ? null : { key: 'rule.publicKey' };
}

export function atMostBytes(text: string, max: number): Broken {
  const size = new TextEncoder().encode(text).length;
  return size > max ? { key: 'rule.tooManyBytes', values: { max, size } } : null;
}

/** Gathers the broken rules of a form: `check('name', name(v.name), …)`. */
export function violations(...checks: readonly (readonly [field: string, broken: Broken])[]): Violation[] {
  return checks.flatMap(([field, broken]) => (broken === null ? [] : [{ field, ...broken }]));
}
