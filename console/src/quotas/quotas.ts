import { answer, api } from '../api/client';
import type { CreateQuotaRequest, Quota, SetQuotas } from '../api/types';
import { violations, wholeNumber, type Violation } from '../ui/rules';

/** What is limited: the account acted for, an account of one's domains, or a domain; and the defaults of all accounts. */
export const quotas = {
  key: 'quotas',
  own: () => answer(api.GET('/api/v1/quotas', {})),
  ofAccount: (account: string) => answer(api.GET('/api/v1/accounts/{account}/quotas', { params: { path: { account } } })),
  setOfAccount: (account: string, body: SetQuotas) => answer(api.PUT('/api/v1/accounts/{account}/quotas', { params: { path: { account } }, body })),
  ofDomain: (domain: string) => answer(api.GET('/api/v1/domains/{domain}/quotas', { params: { path: { domain } } })),
  setOfDomain: (domain: string, body: SetQuotas) => answer(api.PUT('/api/v1/domains/{domain}/quotas', { params: { path: { domain } }, body })),
};

export const quotaDefaults = {
  key: 'quota-defaults',
  list: () => answer(api.GET('/api/v1/quota-defaults', {})),
  set: (body: SetQuotas) => answer(api.PUT('/api/v1/quota-defaults', { body })),
};

export const quotaRequests = {
  key: 'quota-requests',
  list: (query: { limit: number; cursor?: string; state?: string }) => answer(api.GET('/api/v1/quota-requests', { params: { query } })),
  create: (body: CreateQuotaRequest) => answer(api.POST('/api/v1/quota-requests', { body })),
  answer: (id: string, grant: boolean, text: string) => answer(api.POST('/api/v1/quota-requests/{request}/answer', { params: { path: { request: id } }, body: { grant, answer: text } })),
};

/** What shows something of limits. */
export const staleWithQuotas = ['quotas', 'quota-defaults', 'quota-requests'] as const;

// The server's rules.
const limitMax = 1_000_000_000_000;
export const reasonMax = 1000;

/** How a limit is set: one of its own, none, or what all accounts have. */
export type LimitKind = 'limit' | 'none' | 'default';

export interface LimitValues {
  readonly kind: LimitKind;
  readonly limit: string;
}

export function limitValues({ limit, source }: Pick<Quota, 'limit' | 'source'>): LimitValues {
  return { kind: source === 'account' || source === 'domain' ? (limit === null ? 'none' : 'limit') : 'default', limit: limit === null ? '' : String(limit) };
}

export function checkLimit(v: LimitValues): Violation[] {
  return v.kind === 'limit' ? violations(['limit', wholeNumber(v.limit, 0, limitMax)]) : [];
}

export function setOf(resource: string, v: LimitValues): SetQuotas {
  return v.kind === 'default' ? { limits: null, default: [resource] } : { limits: { [resource]: v.kind === 'none' ? null : Number(v.limit) }, default: null };
}

/** The share of the tightest limit that is used, from which on it is worth a warning. */
const warnShare = 0.8;

export type Strain = 'full' | 'near' | 'calm';

/** How near an account is to what it may have, be the limit its own or shared with others. */
export function strainOf({ limit, used, domains }: Pick<Quota, 'limit' | 'used' | 'domains'>): Strain {
  const all = [...(limit === null ? [] : [{ limit, used }]), ...(domains ?? [])];
  if (all.some((q) => q.used >= q.limit)) return 'full';
  return all.some((q) => q.used >= q.limit * warnShare) ? 'near' : 'calm';
}

export interface AskValues {
  readonly resource: string;
  readonly limit: string;
  readonly reason: string;
}

/** What is asked for is more than there is now. */
export function checkAsked(v: AskValues, { limit }: Pick<Quota, 'limit'>): Violation[] {
  return violations(['limit', wholeNumber(v.limit, (limit ?? 0) + 1, limitMax)], ['reason', v.reason.length > reasonMax ? { key: 'rule.tooLong', values: { max: reasonMax } } : null]);
}
