import { answer, api } from '../api/client';
import type { CreateNetwork, CreateNetworkRoute, CreateSubnet, UpdateNetwork } from '../api/types';
import { address, cidr, each, isV6, listed, wholeNumber, type Broken } from '../ui/rules';

const at = (id: string) => ({ params: { path: { network: id } } });

export const networks = {
  key: 'networks',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/networks', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/networks/{network}', at(id))),
  create: (body: CreateNetwork) => answer(api.POST('/api/v1/networks', { body })),
  update: (id: string, body: UpdateNetwork) => answer(api.PUT('/api/v1/networks/{network}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/networks/{network}', at(id))),
};

export const subnets = {
  key: 'subnets',
  list: (query: { limit: number; cursor?: string; network?: string }) => answer(api.GET('/api/v1/subnets', { params: { query } })),
  create: (body: CreateSubnet) => answer(api.POST('/api/v1/subnets', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/subnets/{subnet}', { params: { path: { subnet: id } } })),
};

export const routes = {
  key: 'routes',
  list: (network: string, query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/networks/{network}/routes', { params: { path: { network }, query } })),
  create: (network: string, body: CreateNetworkRoute) => answer(api.POST('/api/v1/networks/{network}/routes', { ...at(network), body })),
  remove: (network: string, route: string) => answer(api.DELETE('/api/v1/networks/{network}/routes/{route}', { params: { path: { network, route } } })),
};

const prefixMin = 16;
const prefixMax = 28;
const prefixV6 = 64;
const dnsServersMax = 4;
const searchDomainsMax = 6;
const mtuMin = 1280;
const mtuMax = 9000;

/** A subnet's range: what the server takes is /16 to /28 in IPv4, /64 in IPv6. */
export function subnetRange(text: string): Broken {
  const broken = cidr(text);
  if (broken !== null) return broken;
  const prefix = Number(text.split('/')[1]);
  if (isV6(text)) return prefix === prefixV6 ? null : { key: 'network.prefix6' };
  return prefix < prefixMin || prefix > prefixMax ? { key: 'network.prefix' } : null;
}

/** A range for a field of one family. */
export function rangeOf(family: 'v4' | 'v6') {
  return (text: string): Broken => (isV6(text) === (family === 'v6') ? subnetRange(text) : { key: family === 'v6' ? 'network.onlyV6' : 'network.onlyV4' });
}

export function dnsList(text: string): Broken {
  const servers = listed(text);
  return [true, false].some((v6) => servers.filter((s) => isV6(s) === v6).length > dnsServersMax) ? { key: 'network.dnsHint' } : each(text, address);
}

export function searchList(text: string): Broken {
  const domain = (part: string): Broken => (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(part) ? null : { key: 'network.domainForm' });
  return listed(text).length > searchDomainsMax ? { key: 'network.searchHint' } : each(text, domain);
}

export function mtu(text: string): Broken {
  return text === '' ? null : wholeNumber(text, mtuMin, mtuMax);
}

export interface NetworkValues {
  readonly name: string;
  readonly cidr: string;
  readonly cidr6: string;
  readonly dnsServers: string;
  readonly searchDomains: string;
  readonly mtu: string;
  readonly isolated: boolean;
}

/** What is sent: a subnet for each range given, each with the name servers of its family. */
export function networkRequest(v: NetworkValues): CreateNetwork {
  const servers = listed(v.dnsServers);
  const subnet = (range: string) => ({ name: null, cidr: range, dnsServers: orNull(servers.filter((s) => isV6(s) === isV6(range))) });
  return {
    name: v.name, subnets: orNull([v.cidr, v.cidr6].filter((range) => range !== '').map(subnet)), searchDomains: orNull(listed(v.searchDomains)),
    mtu: v.mtu === '' ? null : Number(v.mtu), outside: v.isolated ? 'none' : 'nat',
  };
}

/** The field that an error belongs to: the request has a list of subnets where the form has a field for each family. */
export function networkField(path: string, v: NetworkValues): string {
  const [, at, field] = /^subnets\[(\d)\]\.?(.*)$/.exec(path) ?? [];
  if (at === undefined || field === undefined) return path;
  if (field.startsWith('dnsServers')) return 'dnsServers';
  return v.cidr === '' || at === '1' ? 'cidr6' : 'cidr';
}

export function orNull<T>(list: T[]): T[] | null {
  return list.length === 0 ? null : list;
}
