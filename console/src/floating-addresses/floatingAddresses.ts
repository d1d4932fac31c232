import { answer, api } from '../api/client';
import type { AssociateFloatingAddress, CreateFloatingAddress, FloatingAddress } from '../api/types';

const at = (id: string) => ({ params: { path: { floatingAddress: id } } });

export const floatingAddresses = {
  key: 'floating-addresses',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/floating-addresses', { params: { query } })),
  create: (body: CreateFloatingAddress) => answer(api.POST('/api/v1/floating-addresses', { body })),
  associate: (id: string, body: AssociateFloatingAddress) => answer(api.POST('/api/v1/floating-addresses/{floatingAddress}/associate', { ...at(id), body })),
  disassociate: (id: string) => answer(api.POST('/api/v1/floating-addresses/{floatingAddress}/disassociate', at(id))),
  release: (id: string) => answer(api.DELETE('/api/v1/floating-addresses/{floatingAddress}', at(id))),
};

/** What else shows who has which address. */
export const staleWithAddresses = ['floating-addresses', 'instances', 'interfaces', 'networks', 'address-pools'] as const;

/** True if it may be led to an interface, or serve a network. */
export function isFree(address: Pick<FloatingAddress, 'interface' | 'network'>): boolean {
  return address.interface === null && address.network === null;
}
