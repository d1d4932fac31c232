import { answer, api } from '../api/client';
import type { CreateListener, CreateLoadBalancer, CreateMember, LoadBalancer, LoadBalancerListener, LoadBalancerMember, UpdateListener, UpdateLoadBalancer, UpdateMember } from '../api/types';

const at = (loadBalancer: string) => ({ params: { path: { loadBalancer } } });
const ofListener = (loadBalancer: string, listener: string) => ({ params: { path: { loadBalancer, listener } } });
const ofMember = (loadBalancer: string, member: string) => ({ params: { path: { loadBalancer, member } } });

export const loadBalancers = {
  key: 'load-balancers',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/load-balancers', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/load-balancers/{loadBalancer}', at(id))),
  create: (body: CreateLoadBalancer) => answer(api.POST('/api/v1/load-balancers', { body })),
  update: (id: string, body: UpdateLoadBalancer) => answer(api.PUT('/api/v1/load-balancers/{loadBalancer}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/load-balancers/{loadBalancer}', at(id))),
  addListener: (id: string, body: CreateListener) => answer(api.POST('/api/v1/load-balancers/{loadBalancer}/listeners', { ...at(id), body })),
  updateListener: (id: string, listener: string, body: UpdateListener) => answer(api.PUT('/api/v1/load-balancers/{loadBalancer}/listeners/{listener}', { ...ofListener(id, listener), body })),
  removeListener: (id: string, listener: string) => answer(api.DELETE('/api/v1/load-balancers/{loadBalancer}/listeners/{listener}', ofListener(id, listener))),
  addMember: (id: string, body: CreateMember) => answer(api.POST('/api/v1/load-balancers/{loadBalancer}/members', { ...at(id), body })),
  updateMember: (id: string, member: string, body: UpdateMember) => answer(api.PUT('/api/v1/load-balancers/{loadBalancer}/members/{member}', { ...ofMember(id, member), body })),
  removeMember: (id: string, member: string) => answer(api.DELETE('/api/v1/load-balancers/{loadBalancer}/members/{member}', ofMember(id, member))),
};

/** What else shows something of a load balancer. */
export const staleWithBalancers = ['load-balancers', 'floating-addresses', 'networks', 'subnets'] as const;

/** Its own addresses, of both families. */
export function balancerAddresses(b: Pick<LoadBalancer, 'address' | 'address6'>): string[] {
  return b.address6 === null ? [b.address] : [b.address, b.address6];
}

/** What people call a listener: `HTTPS 443`. */
export function listenerName(l: Pick<LoadBalancerListener, 'protocol' | 'port'>): string {
  return `${l.protocol.toUpperCase()} ${l.port}`;
}

/** What people call a member: `web-1:80`. */
export function memberName(m: Pick<LoadBalancerMember, 'instance' | 'port'>): string {
  return `${m.instance.name}:${m.port}`;
}

/** A member beside the listener that it is of. */
export interface ListedMember extends LoadBalancerMember {
  readonly listener: LoadBalancerListener;
}

export function membersOf(balancer: Pick<LoadBalancer, 'listeners'>): ListedMember[] {
  return balancer.listeners.flatMap((listener) => listener.members.map((member) => ({ ...member, listener })));
}

export type Look = 'success' | 'warning' | 'error' | 'pending' | 'stopped';

const looks: Readonly<Record<string, Look>> = { healthy: 'success', mixed: 'warning', unhealthy: 'error' };

export function lookOfHealth(health: string): Look {
  return looks[health] ?? 'pending';
}

export interface HealthSummary {
  readonly healthy: number;
  readonly total: number;
  readonly look: Look;
}

/** How many members work. What takes no connections at all is worse than what some of its members cannot. */
export function healthOf(members: readonly Pick<LoadBalancerMember, 'health'>[]): HealthSummary {
  const [healthy, total] = [members.filter((m) => m.health === 'healthy').length, members.length];
  const look = total === 0 ? 'stopped' : healthy === total ? 'success' : members.every((m) => m.health === 'unknown') ? 'pending' : members.every((m) => m.health === 'unhealthy') ? 'error' : 'warning';
  return { healthy, total, look };
}
