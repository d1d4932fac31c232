import { answer, api } from '../api/client';
import type { DrainPool, Pool, Store, UpdatePool } from '../api/types';
import { decimal, violations, wholeNumber, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { pool: id } } });

export const pools = {
  key: 'pools',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/pools', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/pools/{pool}', at(id))),
  drain: (id: string, body: DrainPool) => answer(api.POST('/api/v1/pools/{pool}/drain', { ...at(id), body })),
  update: (id: string, body: UpdatePool) => answer(api.PUT('/api/v1/pools/{pool}', { ...at(id), body })),
};

/** True if so much of a store is taken that the operator wants to be warned. */
export function isNearlyFull(store: Pick<Store, 'usedGib' | 'capacityGib'>, { warnPercent }: Pick<Pool, 'warnPercent'>): boolean {
  return store.usedGib * 100 >= warnPercent * store.capacityGib;
}

/** What may be promised of a store: over-commit counts volumes' sizes, not what is written of them. */
export function promisedMax(store: Pick<Store, 'capacityGib'>, { overcommit }: Pick<Pool, 'overcommit'>): number {
  return Math.floor(store.capacityGib * overcommit);
}

export type PoolStateName = 'maintenance' | 'unreached' | 'nearlyFull' | 'available';

/** What is most worth knowing of a pool. Of its stores only operators are told. */
export function stateOf(pool: Pick<Pool, 'maintenance' | 'warnPercent' | 'stores'>): PoolStateName {
  if (pool.maintenance) return 'maintenance';
  if (pool.stores?.every((s) => s.hosts.length === 0) === true) return 'unreached';
  return pool.stores?.some((s) => isNearlyFull(s, pool)) === true ? 'nearlyFull' : 'available';
}

/** A figure of all stores together. */
export function sum(stores: readonly Store[], of: (store: Store) => number): number {
  return stores.reduce((total, store) => total + of(store), 0);
}

/** How volumes are given to other hosts; the words of the API. */
export const poolProtocols = ['nbd', 'iscsi'] as const;

export interface PoolValues {
  readonly default: boolean;
  readonly maintenance: boolean;
  readonly overcommit: string;
  readonly warnPercent: string;
  readonly protocol: string;
  /** Ids; empty: all. */
  readonly accounts: readonly string[];
}

export function poolValues(p: Pool): PoolValues {
  return { default: p.default, maintenance: p.maintenance, overcommit: String(p.overcommit), warnPercent: String(p.warnPercent), protocol: p.protocol, accounts: (p.accounts ?? []).map((a) => a.id) };
}

export function checkPool(v: PoolValues): Violation[] {
  return violations(['overcommit', decimal(v.overcommit, 0.1, 100)], ['warnPercent', wholeNumber(v.warnPercent, 1, 100)]);
}

/** Only what was changed is sent: another operator may change the rest. */
export function poolUpdate(v: PoolValues, first: PoolValues): UpdatePool {
  const ifChanged = <T>(field: keyof PoolValues, value: T) => (String(v[field]) === String(first[field]) ? null : value);
  return {
    default: v.default && !first.default ? true : null, maintenance: ifChanged('maintenance', v.maintenance), overcommit: ifChanged('overcommit', Number(v.overcommit)),
    warnPercent: ifChanged('warnPercent', Number(v.warnPercent)), protocol: ifChanged('protocol', v.protocol), accounts: ifChanged('accounts', [...v.accounts]),
  };
}
