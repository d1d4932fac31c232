import { answer, api } from '../api/client';
import type { CreateNetwork, CreateSubnet } from '../api/types';
import { address, cidr, type Broken } from '../ui/rules';

const at = (id: string) => ({ params: { path: { network: id } } });

export const networks = {
  key: 'networks',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/networks', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/networks/{network}', at(id))),
  create: (body: CreateNetwork) => answer(api.POST('/api/v1/networks', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/networks/{network}', at(id))),
};

export const subnets = {
  key: 'subnets',
  list: (query: { limit: number; cursor?: string; network?: string }) => answer(api.GET('/api/v1/subnets', { params: { query } })),
  create: (body: CreateSubnet) => answer(api.POST('/api/v1/subnets', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/subnets/{subnet}', { params: { path: { subnet: id } } })),
};

const prefixMin = 16;
const prefixMax = 28;
const dnsServersMax = 4;

/** A subnet's range: what the server takes is /16 to /28. */
export function subnetRange(text: string): Broken {
  const broken = cidr(text);
  if (broken !== null) return broken;
  const prefix = Number(text.split('/')[1]);
  return prefix < prefixMin || prefix > prefixMax ? { key: 'network.prefix' } : null;
}

export function dnsServers(text: string): string[] {
  return text.split(/[\s,、]+/).filter((part) => part !== '');
}

export function dnsList(text: string): Broken {
  const servers = dnsServers(text);
  if (servers.length > dnsServersMax) return { key: 'network.dnsHint' };
  return servers.map(address).find((broken) => broken !== null) ?? null;
}
