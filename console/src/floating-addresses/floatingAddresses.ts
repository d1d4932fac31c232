import { answer, api } from '../api/client';
import type { AssociateFloatingAddress, CreateFloatingAddress, FloatingAddress, Ref } from '../api/types';

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
export const staleWithAddresses = ['floating-addresses', 'instances', 'interfaces', 'networks', 'address-pools', 'load-balancers'] as const;

/** True if it may be led to an interface, or serve a network. */
export function isFree(address: Pick<FloatingAddress, 'interface' | 'network'>): boolean {
  return address.interface === null && address.network === null;
}

/** The instance or load balancer that the outside reaches by it; null if it leads to none. */
export function targetOf(address: Pick<FloatingAddress, 'instance' | 'loadBalancer'>): Ref | null {
  return address.loadBalancer ?? address.instance;
}

/** True if it leads to the interface or load balancer of the id. */
export function leadsTo(address: Pick<FloatingAddress, 'interface' | 'loadBalancer'>, id: string): boolean {
  return address.interface === id || address.loadBalancer?.id === id;
}

/** Leads an address to the interface or load balancer of an id. */
export function association(id: string, moves: boolean): AssociateFloatingAddress {
  const balancer = id.startsWith('lb-');
  return { instance: null, interface: balancer ? null : id, loadBalancer: balancer ? id : null, move: moves ? true : null };
}
