import { answer, api } from '../api/client';
import type { AccessKeyCreated, CreateAccessKey } from '../api/types';
import { listed, name, optional, violations, wholeNumber, type Violation } from '../ui/rules';
import { checkRanges, daysMax } from './access';

export const accessKeys = {
  key: 'access-keys',
  list: () => answer(api.GET('/api/v1/access-keys', {})),
  create: (body: CreateAccessKey) => answer(api.POST('/api/v1/access-keys', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/access-keys/{accessKey}', { params: { path: { accessKey: id } } })),
};

export interface KeyValues {
  readonly name: string;
  readonly expiresInDays: string;
  /** CIDR ranges, one a line. */
  readonly ranges: string;
}

export const noKey: KeyValues = { name: '', expiresInDays: '', ranges: '' };

export function checkKey(v: KeyValues): Violation[] {
  return violations(['name', optional(v.name, name)], ['expiresInDays', optional(v.expiresInDays, (days) => wholeNumber(days, 1, daysMax))], ['ranges', checkRanges(v.ranges)]);
}

export function keyOf(v: KeyValues): CreateAccessKey {
  const ranges = listed(v.ranges);
  return { name: v.name === '' ? null : v.name, expiresInDays: v.expiresInDays === '' ? null : Number(v.expiresInDays), sourceRanges: ranges.length === 0 ? null : ranges };
}

/** What a shell reads before programs made for EC2 are started; the same as `kumoi access-key create --output env`. */
export function envOf(made: Pick<AccessKeyCreated, 'id' | 'secret' | 'region'>, origin: string): string {
  return [`AWS_ACCESS_KEY_ID=${made.id}`, `AWS_SECRET_ACCESS_KEY=${made.secret}`, `AWS_DEFAULT_REGION=${made.region}`, `AWS_REGION=${made.region}`, `AWS_ENDPOINT_URL_EC2=${origin}/ec2`, ''].join('\n');
}
