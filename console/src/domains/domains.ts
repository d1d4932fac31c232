import { answer, api } from '../api/client';
import type { CreateDomain, Domain, UpdateDomain } from '../api/types';

const at = (id: string) => ({ params: { path: { domain: id } } });

export const domains = {
  key: 'domains',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/domains', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/domains/{domain}', at(id))),
  create: (body: CreateDomain) => answer(api.POST('/api/v1/domains', { body })),
  update: (id: string, body: UpdateDomain) => answer(api.PUT('/api/v1/domains/{domain}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/domains/{domain}', at(id))),
};

/** What shows something of domains. */
export const staleWithDomains = ['domains', 'accounts', 'self', 'roles'] as const;

/** The root's id, which every cloud has. */
export const rootId = 'dom-00000000000000000';

export interface Tree {
  readonly tops: readonly Domain[];
  childrenOf(domain: Domain): readonly Domain[];
  /** How many accounts are in it and in all that is beneath. */
  accountsIn(domain: Domain): number;
}

/** The domains as a tree, siblings by name. One whose parent is not among them is at the top: one sees only what one administers. */
export function treeOf(all: readonly Domain[]): Tree {
  const ids = new Set(all.map((d) => d.id));
  const children = new Map<string, Domain[]>();
  const tops: Domain[] = [];
  for (const domain of [...all].sort((a, b) => a.path.localeCompare(b.path))) {
    if (domain.parent === null || !ids.has(domain.parent.id)) tops.push(domain);
    else children.set(domain.parent.id, [...(children.get(domain.parent.id) ?? []), domain]);
  }
  const childrenOf = (domain: Domain) => children.get(domain.id) ?? [];
  const accountsIn = (domain: Domain): number => childrenOf(domain).reduce((sum, child) => sum + accountsIn(child), domain.accounts);
  return { tops, childrenOf, accountsIn };
}
