import { answer, api } from '../api/client';
import type { AddressPool, CreateAddressPool, ReservedAddress, UpdateAddressPool } from '../api/types';
import { address, cidr, each, isV6, listed, name, violations, type Broken, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { pool: id } } });

export const addressPools = {
  key: 'address-pools',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/address-pools', { params: { query } })),
  create: (body: CreateAddressPool) => answer(api.POST('/api/v1/address-pools', { body })),
  update: (id: string, body: UpdateAddressPool) => answer(api.PUT('/api/v1/address-pools/{pool}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/address-pools/{pool}', at(id))),
};

export interface PoolValues {
  readonly name: string;
  readonly description: string;
  readonly ranges: string;
  readonly excluded: string;
  /** One address a line, `ADDRESS` or `ADDRESS=ACCOUNT`. */
  readonly reserved: string;
  /** Empty: all. */
  readonly accounts: readonly string[];
}

export const blankPool: PoolValues = { name: '', description: '', ranges: '', excluded: '', reserved: '', accounts: [] };

/** What a pool is, in the form's words. */
export function poolValues(p: AddressPool): PoolValues {
  return {
    name: p.name, description: p.description, ranges: p.ranges.join('\n'), excluded: p.excluded.join('\n'), accounts: (p.accounts ?? []).map((a) => a.id),
    reserved: p.reserved.map(reservedText).join('\n'),
  };
}

export function reservedText(r: ReservedAddress): string {
  return r.account === null ? r.address : `${r.address}=${r.account}`;
}

export function reservedList(text: string): ReservedAddress[] {
  return listed(text).map((part) => {
    const [reserved = '', account] = part.split('=', 2);
    return { address: reserved, account: account === undefined || account === '' ? null : account };
  });
}

export function checkPool(v: PoolValues): Violation[] {
  const v4Range = (part: string): Broken => (isV6(part) ? { key: 'addressPool.onlyV4' } : cidr(part));
  return violations(
    ['name', name(v.name)], ['ranges', listed(v.ranges).length === 0 ? { key: 'rule.required' } : each(v.ranges, v4Range)], ['excluded', each(v.excluded, v4Range)],
    ['reserved', reservedList(v.reserved).map((r) => address(r.address)).find((broken) => broken !== null) ?? null]);
}
