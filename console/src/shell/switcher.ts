import type { Account, Self } from '../api/types';

/** An account that one may act for. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  /** The path of its domain; null where one may not look. */
  readonly domain: string | null;
  readonly state: string | null;
  /** One's role in it; null if it is seen by a role in a domain. */
  readonly role: string | null;
}

/** The accounts of one's memberships first, then those of one's domains, each once and in the order of names. */
export function candidates({ account, actingFor, memberships }: Pick<Self, 'account' | 'actingFor' | 'memberships'>, seen: readonly Account[]): Candidate[] {
  const known = new Map([...seen, actingFor].map((a) => [a.id, a]));
  const roles = new Map(memberships.flatMap((m) => (m.account === null ? [] : [[m.account.id, m.role] as const])));
  const refs = new Map([account, ...memberships.flatMap((m) => m.account ?? []), ...seen, actingFor].map((a) => [a.id, a.name]));
  const all = [...refs].map(([id, name]) => ({ id, name, domain: known.get(id)?.domain.name ?? null, state: known.get(id)?.state ?? null, role: roles.get(id) ?? null }));
  return all.sort((a, b) => Number(a.role === null) - Number(b.role === null) || a.name.localeCompare(b.name));
}

/** A path that is longer than this would push the rest out of the top bar. */
const pathMax = 24;

/** An account with its domain, as short as it can be told: in the root it needs none. */
export function placed({ name, domain: { name: path } }: Pick<Account, 'name' | 'domain'>): string {
  return path === 'root' ? name : `${name} (${path.length > pathMax ? `…/${path.split('/').at(-1) ?? ''}` : path})`;
}

/** Those that have all words of a search in their name, domain or id. */
export function matching(all: readonly Candidate[], text: string): Candidate[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return all.filter((c) => words.every((word) => `${c.name} ${c.domain ?? ''} ${c.id}`.toLowerCase().includes(word)));
}
