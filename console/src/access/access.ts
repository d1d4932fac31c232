import { answer, api } from '../api/client';
import type { ChangePassword, CreateToken } from '../api/types';
import { cidr, each, listed, name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';

export const tokens = {
  key: 'tokens',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/tokens', { params: { query } })),
  create: (body: CreateToken) => answer(api.POST('/api/v1/users/me/tokens', { body })),
  revoke: (id: string) => answer(api.DELETE('/api/v1/tokens/{token}', { params: { path: { token: id } } })),
};

export function changePassword(body: ChangePassword) {
  return answer(api.PUT('/api/v1/users/me/password', { body }));
}

export interface TokenValues {
  readonly name: string;
  readonly expiresInDays: string;
  /** True if it may less than its user. */
  readonly limited: boolean;
  readonly permissions: readonly string[];
  /** The id of the only account that it is for; empty for all. */
  readonly account: string;
  /** CIDR ranges, one a line. */
  readonly ranges: string;
}

export const noToken: TokenValues = { name: '', expiresInDays: '90', limited: false, permissions: [], account: '', ranges: '' };

// The server's rules.
export const daysMax = 3650;
const rangesMax = 20;

/** Ranges of addresses, one a line. */
export function checkRanges(ranges: string): Broken {
  return listed(ranges).length > rangesMax ? { key: 'access.rangesTooMany', values: { max: rangesMax } } : each(ranges, cidr);
}

export function checkToken(v: TokenValues): Violation[] {
  return violations(
    ['name', name(v.name)], ['expiresInDays', optional(v.expiresInDays, (days) => wholeNumber(days, 1, daysMax))], ['permissions', v.limited && v.permissions.length === 0 ? { key: 'role.none' } : null],
    ['ranges', checkRanges(v.ranges)]);
}

export function tokenOf(v: TokenValues): CreateToken {
  const ranges = listed(v.ranges);
  return {
    name: v.name, expiresInDays: v.expiresInDays === '' ? null : Number(v.expiresInDays), permissions: v.limited ? [...v.permissions] : null, account: v.account === '' ? null : v.account,
    allowedRanges: ranges.length === 0 ? null : ranges,
  };
}

const programs: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\/(\d+)/, 'Edge'], [/\bOPR\/(\d+)/, 'Opera'], [/\bFirefox\/(\d+)/, 'Firefox'], [/\b(?:Headless)?Chrom(?:e|ium)\/(\d+)/, 'Chrome'], [/\bVersion\/(\d+)[^ ]* (?:Mobile\/\S+ )?Safari\//, 'Safari'], [/^curl\/([\d.]+)/, 'curl'], [/^kumoi\/([\d.]+)/, 'kumoi'],
];
const systems: readonly (readonly [RegExp, string])[] = [[/Windows/, 'Windows'], [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']];

/** What a program says of itself, in few words; the beginning of it where it is not known. */
export function programOf(userAgent: string): string {
  const system = systems.find(([pattern]) => pattern.test(userAgent))?.[1];
  for (const [pattern, program] of programs) {
    const version = pattern.exec(userAgent)?.[1];
    if (version !== undefined) return `${program} ${version}${system === undefined ? '' : ` (${system})`}`;
  }
  return userAgent.length > 60 ? `${userAgent.slice(0, 59)}…` : userAgent;
}
