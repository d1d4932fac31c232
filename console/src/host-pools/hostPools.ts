import { answer, api } from '../api/client';
import type { CreateHostPool, HostPool, UpdateHostPool } from '../api/types';
import { decimal, name, optional, violations, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { hostPool: id } } });

export const hostPools = {
  key: 'host-pools',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/host-pools', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/host-pools/{hostPool}', at(id))),
  create: (body: CreateHostPool) => answer(api.POST('/api/v1/host-pools', { body })),
  update: (id: string, body: UpdateHostPool) => answer(api.PUT('/api/v1/host-pools/{hostPool}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/host-pools/{hostPool}', at(id))),
  give: (id: string, account: string) => answer(api.POST('/api/v1/host-pools/{hostPool}/give', { ...at(id), body: { account } })),
  take: (id: string, account: string) => answer(api.POST('/api/v1/host-pools/{hostPool}/take', { ...at(id), body: { account } })),
};

/** What shows something of host pools. */
export const staleWithHostPools = ['host-pools', 'hosts'] as const;

export interface HostPoolValues {
  readonly name: string;
  readonly description: string;
  readonly cpuOvercommit: string;
  readonly memoryOvercommit: string;
  readonly whom: 'all' | 'some';
  /** Ids; none: nobody, where it is not for all. */
  readonly accounts: readonly string[];
}

export const noHostPool: HostPoolValues = { name: '', description: '', cpuOvercommit: '', memoryOvercommit: '1', whom: 'some', accounts: [] };

export function hostPoolValues(p: HostPool): HostPoolValues {
  return {
    name: p.name, description: p.description, cpuOvercommit: String(p.cpuOvercommit), memoryOvercommit: String(p.memoryOvercommit), whom: p.allAccounts ? 'all' : 'some', accounts: (p.accounts ?? []).map((a) => a.id),
  };
}

// The server's rules.
const descriptionMax = 255;

export function checkHostPool(v: HostPoolValues): Violation[] {
  return violations(
    ['name', name(v.name)], ['description', v.description.length > descriptionMax ? { key: 'rule.tooLong', values: { max: descriptionMax } } : null], ['cpuOvercommit', optional(v.cpuOvercommit, (text) => decimal(text, 1, 64))],
    ['memoryOvercommit', decimal(v.memoryOvercommit, 1, 16)]);
}

export function hostPoolOf(v: HostPoolValues): CreateHostPool {
  return {
    name: v.name, description: v.description === '' ? null : v.description, cpuOvercommit: v.cpuOvercommit === '' ? null : Number(v.cpuOvercommit), memoryOvercommit: Number(v.memoryOvercommit), accounts: v.whom === 'all' ? null : [...v.accounts],
  };
}

/** Only what was changed is sent: another operator may change the rest. */
export function hostPoolUpdate(v: HostPoolValues, first: HostPoolValues): UpdateHostPool {
  const number = (field: 'cpuOvercommit' | 'memoryOvercommit') => (v[field] === first[field] || v[field] === '' ? null : Number(v[field]));
  const same = v.whom === first.whom && [...v.accounts].sort().join() === [...first.accounts].sort().join();
  return {
    description: v.description === first.description ? null : v.description, cpuOvercommit: number('cpuOvercommit'), memoryOvercommit: number('memoryOvercommit'), allAccounts: !same && v.whom === 'all' ? true : null, accounts: !same && v.whom === 'some' ? [...v.accounts] : null,
  };
}
