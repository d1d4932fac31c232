import { answer, api } from '../api/client';
import type { CreatePeering, Peering } from '../api/types';

const at = (id: string) => ({ params: { path: { peering: id } } });

export const peerings = {
  key: 'peerings',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/peerings', { params: { query } })),
  create: (body: CreatePeering) => answer(api.POST('/api/v1/peerings', { body })),
  accept: (id: string) => answer(api.POST('/api/v1/peerings/{peering}/accept', at(id))),
  reject: (id: string) => answer(api.POST('/api/v1/peerings/{peering}/reject', at(id))),
  remove: (id: string) => answer(api.DELETE('/api/v1/peerings/{peering}', at(id))),
};

/** The other side of a peering, as `ACCOUNT/NETWORK`. */
export function otherSide(p: Peering, account: string): string {
  return p.account.id === account ? `${p.peerAccount.name}/${p.peerNetwork.name}` : `${p.account.name}/${p.network.name}`;
}

export function ownSide(p: Peering, account: string) {
  return p.account.id === account ? p.network : p.peerNetwork;
}

/** True if the account is asked and has not answered. */
export function isOffered(p: Peering, account: string): boolean {
  return p.state === 'pending' && p.peerAccount.id === account;
}
