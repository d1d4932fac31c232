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
const looksLikeId = /^(a|dom|role|qr|u|tok|z|h|flv|img|key|net|subnet|sg|sgr|i|eni|ev|con|pg|fip|pool|rtr|pcx|rt|pf|lb|lsn|lbm|vpn|vpc|vps|vlr|sw|spl|st|vol|vt|snap|bk|bst|bsc|igw|trf|prc|stm|hp|dir|alt|ct|ml|sub)-[0-9a-f]{17}$/;

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

/** A number with two decimals at most. */
export function decimal(text: string, min: number, max: number): Broken {
  return /^\d{1,9}(\.\d{1,2})?$/.test(text) && Number(text) >= min && Number(text) <= max ? null : { key: 'rule.decimal', values: { min, max } };
}

function octets(text: string): number | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9]\d{0,2})$/.test(p) && Number(p) <= 255)) return null;
  return parts.reduce((sum, p) => sum * 256 + Number(p), 0);
}

/** The value of an IPv6 address; null if the text is none. */
function groups(text: string): bigint | null {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return null;
  const parts = (half: string) => (half === '' ? [] : half.split(':'));
  const [first, last] = [parts(head), parts(tail ?? '')];
  const missing = 8 - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...first, ...Array<string>(missing).fill('0'), ...last];
  return all.every((p) => /^[0-9a-f]{1,4}$/i.test(p)) ? BigInt(`0x${all.map((p) => p.padStart(4, '0')).join('')}`) : null;
}

export function isV6(text: string): boolean {
  return text.includes(':');
}

export function address(text: string): Broken {
  return (isV6(text) ? groups(text) : octets(text)) === null ? { key: 'rule.address' } : null;
}

/** An IPv4 or IPv6 range whose host bits are zero. */
export function cidr(text: string): Broken {
  const [range = '', prefix = '', ...rest] = text.split('/');
  const wrong = { key: 'rule.cidr' } as const;
  const [base, bits] = isV6(range) ? [groups(range), 128] : [octets(range), 32];
  if (base === null || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > bits) return wrong;
  return BigInt(base) % 2n ** BigInt(bits - Number(prefix)) === 0n ? null : wrong;
}

/** A row of addresses, `A-B` with both ends included, or one address. */
export function span(text: string): Broken {
  const [first = '', last = first, ...rest] = text.split('-');
  const [from, to] = isV6(first) ? [groups(first), groups(last)] : [octets(first), octets(last)];
  return rest.length === 0 && from !== null && to !== null && from <= to ? null : { key: 'rule.span' };
}

// Numbers of IEEE 802.1Q; 0 and 4,095 have a meaning of their own.
export const vlanMin = 1;
export const vlanMax = 4094;

export function vlan(text: string): Broken {
  return wholeNumber(text, vlanMin, vlanMax);
}

/** One VLAN, or a range of them such as `100-199`. */
export function vlans(text: string): Broken {
  const [first = '', last = first, ...rest] = text.split('-');
  return rest.length === 0 && vlan(first) === null && vlan(last) === null && Number(first) <= Number(last) ? null : { key: 'rule.vlans', values: { min: vlanMin, max: vlanMax } };
}

/** A name that a network device of Linux may have. */
export function device(text: string): Broken {
  return /^[A-Za-z0-9._-]{1,15}$/.test(text) && text !== '.' && text !== '..' ? null : { key: 'rule.device' };
}

/** The parts of a list that is typed into one field: separated by commas, spaces or lines. */
export function listed(text: string): string[] {
  return text.split(/[\s,、]+/).filter((part) => part !== '');
}

/** The first rule that a part of a list breaks. */
export function each(text: string, rule: (part: string) => Broken): Broken {
  return listed(text).map(rule).find((broken) => broken !== null) ?? null;
}

/** A rule for a field that may be left empty. */
export function optional(text: string, rule: (text: string) => Broken): Broken {
  return text === '' ? null : rule(text);
}

export function url(text: string): Broken {
  return /^https?:\/\/[^\s/]+/i.test(text) && URL.canParse(text) ? null : { key: 'rule.url' };
}

/** A URL whose path others are put behind. */
export function httpsUrl(text: string): Broken {
  return /^https:\/\/[^\s/?#@]+[^\s?#]*$/i.test(text) && URL.canParse(text) && new URL(text).username === '' ? null : { key: 'rule.httpsUrl' };
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
