import { answer, api } from '../api/client';
import type { CreateRole, Domain, Role, UpdateRole } from '../api/types';

const at = (id: string) => ({ params: { path: { role: id } } });

export const roles = {
  key: 'roles',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/roles', { params: { query } })),
  create: (body: CreateRole) => answer(api.POST('/api/v1/roles', { body })),
  update: (id: string, body: UpdateRole) => answer(api.PUT('/api/v1/roles/{role}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/roles/{role}', at(id))),
};

// The roles that every cloud has and that mean something only in some places; the server's rule.
const onlyOnRoot = ['administrator', 'operator'];
const onlyBeneathRoot = ['domain-administrator'];

/** Where a role is to be given: in the account acted for, or in a domain. */
export type Place = 'account' | Pick<Domain, 'path'>;

/** True if the domain is the other one or beneath it. */
export function isWithin(path: string, above: string): boolean {
  return above === 'root' || path === above || path.startsWith(`${above}/`);
}

/** True if the role can be given in the place. */
export function canBeGiven({ name, builtIn, account, domain }: Pick<Role, 'name' | 'builtIn' | 'account' | 'domain'>, place: Place): boolean {
  if (builtIn) return place === 'account' ? ![...onlyOnRoot, ...onlyBeneathRoot].includes(name) : !(place.path === 'root' ? onlyBeneathRoot : onlyOnRoot).includes(name);
  if (place === 'account') return true;
  return account === null && domain !== null && isWithin(place.path, domain.name);
}

/** The roles to choose from in a place. A role of the account hides one of a domain that has the same name, as it does for the server. */
export function givable(all: readonly Role[], place: Place): Role[] {
  const rank = (r: Role) => (r.builtIn ? 0 : r.account !== null ? 1 : 2);
  const here = all.filter((r) => canBeGiven(r, place)).sort((a, b) => rank(a) - rank(b));
  return here.filter((r, at) => here.findIndex((other) => other.name === r.name) === at);
}
