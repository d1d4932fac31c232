import { answer, api } from '../api/client';
import type { Membership, Page } from '../api/types';

type Query = { limit: number; cursor?: string };

/** Who has which role in a place, and how that is changed. */
export interface Members {
  /** What its queries begin with. */
  readonly key: readonly string[];
  list(query: Query): Promise<Page<Membership>>;
  set(user: string, role: string): Promise<Membership>;
  remove(user: string): Promise<unknown>;
}

/** Of the account that is acted for. */
export const accountMembers: Members = {
  key: ['members'],
  list: (query) => answer(api.GET('/api/v1/members', { params: { query } })),
  set: (user, role) => answer(api.PUT('/api/v1/members/{user}', { params: { path: { user } }, body: { role } })),
  remove: (user) => answer(api.DELETE('/api/v1/members/{user}', { params: { path: { user } } })),
};

export function domainMembers(domain: string): Members {
  return {
    key: ['members', 'domain', domain],
    list: (query) => answer(api.GET('/api/v1/domains/{domain}/members', { params: { path: { domain }, query } })),
    set: (user, role) => answer(api.PUT('/api/v1/domains/{domain}/members/{user}', { params: { path: { domain, user } }, body: { role } })),
    remove: (user) => answer(api.DELETE('/api/v1/domains/{domain}/members/{user}', { params: { path: { domain, user } } })),
  };
}

/** What shows something of who is where. */
export const staleWithMembers = ['members', 'users', 'roles', 'self'] as const;
