import { answer, api } from '../api/client';
import type { AdoptStray, RecoverVolume, Stray } from '../api/types';

const at = (host: string, stray: string) => ({ params: { path: { host, stray } } });

/** Volumes that a host has found in its own stores, and that no record explains. */
export const strays = {
  key: 'strays',
  list: (host: string, query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/hosts/{host}/strays', { params: { path: { host }, query } })),
  adopt: (host: string, stray: string, body: AdoptStray) => answer(api.POST('/api/v1/hosts/{host}/strays/{stray}/adopt', { ...at(host, stray), body })),
  remove: (host: string, stray: string) => answer(api.DELETE('/api/v1/hosts/{host}/strays/{stray}', at(host, stray))),
};

/** Those of them that were the account's, and were lost with a host. */
export const recoverable = {
  key: 'recoverable-volumes',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/recoverable-volumes', { params: { query } })),
  recover: (volume: string, body: RecoverVolume) => answer(api.POST('/api/v1/recoverable-volumes/{volume}/recover', { params: { path: { volume } }, body })),
};

/** What else shows something of a stray. */
export const staleWithStrays = ['strays', 'recoverable-volumes', 'volumes', 'pools', 'hosts'] as const;

/** One that cannot be read can only be deleted. */
export function canAdopt(s: Pick<Stray, 'sizeGib'>): boolean {
  return s.sizeGib > 0;
}

/** What a host tells that has no record, but for the volumes that are shown as strays themselves. */
export function otherFinds(found: readonly string[], shown: readonly Pick<Stray, 'id'>[]): readonly string[] {
  return found.filter((text) => !shown.some(({ id }) => text.split(' ').includes(id)));
}
