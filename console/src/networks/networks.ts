import { answer, api } from '../api/client';
import type { CreateNetwork, CreateNetworkRoute, CreateSubnet, Network, UpdateNetwork, UpdateSubnet, VlanRange } from '../api/types';
import { address, cidr, each, isV6, listed, name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';
import { blankSegment, checkSegment, segmentField, segmentRequest, type SegmentValues } from './segment';
import { checkSpace, inFamilies, ofFamily, oneEach, spaceFields, spaceRequest, wholeSpace, type SpaceValues } from './space';

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
  update: (id: string, body: UpdateSubnet) => answer(api.PUT('/api/v1/subnets/{subnet}', { params: { path: { subnet: id } }, body })),
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

export interface SubnetValues extends SpaceValues {
  readonly name: string;
  readonly cidr: string;
  readonly dnsServers: string;
  /** The segment's own router; empty: the first usable address. */
  readonly gateway: string;
}

export const blankSubnet: SubnetValues = { ...wholeSpace, name: '', cidr: '', dnsServers: '', gateway: '' };

export function checkSubnet(v: SubnetValues): Violation[] {
  return [
    ...violations(['cidr', subnetRange(v.cidr)], ['name', optional(v.name, name)], ['dnsServers', dnsList(v.dnsServers)], ['gateway', gateways(v.gateway, [v.cidr])]),
    ...checkSpace(v, [v.cidr]),
  ];
}

export function subnetRequest(network: string, v: SubnetValues): CreateSubnet {
  return { network, name: v.name === '' ? null : v.name, cidr: v.cidr, dnsServers: orNull(listed(v.dnsServers)), gateway: v.gateway === '' ? null : v.gateway, ...spaceRequest(v, v.cidr) };
}

/** One router for each subnet at the most. */
function gateways(text: string, cidrs: readonly string[]): Broken {
  return each(text, address) ?? inFamilies(text, cidrs) ?? oneEach(text, cidrs);
}

/** A network with its first subnets; what is not of its kind is kept, and not sent. */
export interface NetworkValues extends SegmentValues, SpaceValues {
  readonly name: string;
  readonly cidr: string;
  readonly cidr6: string;
  readonly gateway: string;
  readonly dnsServers: string;
  readonly searchDomains: string;
  readonly mtu: string;
  readonly isolated: boolean;
}

const usualRange = '10.0.0.0/24';

export const blankNetwork: NetworkValues = { ...blankSegment, ...wholeSpace, name: '', cidr: usualRange, cidr6: '', gateway: '', dnsServers: '', searchDomains: '', mtu: '', isolated: false };

/** The range proposed for a network of a kind: that of a segment only its operator knows. */
export function proposedRange(v: NetworkValues, kind: NetworkValues['kind']): string {
  if (kind === 'bridged') return v.cidr === usualRange ? '' : v.cidr;
  return v.cidr === '' && v.cidr6 === '' ? usualRange : v.cidr;
}

const rangesOf = (v: NetworkValues) => [v.cidr, v.cidr6].filter((range) => range !== '');

/** True if the cloud tells guests of name servers: a server of the segment does it otherwise. */
export function tellsGuests(v: SegmentValues): boolean {
  return v.kind === 'private' || v.dhcp === 'host';
}

/** @param ranges The VLAN ranges of the account; null for operators. */
export function checkNetwork(v: NetworkValues, ranges: readonly VlanRange[] | null): Violation[] {
  return [
    ...violations(['name', name(v.name)]), ...checkSegment(v, ranges),
    ...violations(
      ['cidr', optional(v.cidr, rangeOf('v4'))], ['cidr6', optional(v.cidr6, rangeOf('v6'))], ['gateway', v.kind === 'bridged' ? gateways(v.gateway, rangesOf(v)) : null],
      ['dnsServers', tellsGuests(v) ? dnsList(v.dnsServers) ?? inFamilies(v.dnsServers, rangesOf(v)) : null], ['searchDomains', tellsGuests(v) ? searchList(v.searchDomains) : null], ['mtu', mtu(v.mtu)]),
    ...checkSpace(v, rangesOf(v)),
  ];
}

/**
 * What is sent: a subnet for each range given, each with what is of its family.
 * @param ranges As above.
 */
export function networkRequest(v: NetworkValues, ranges: readonly VlanRange[] | null): CreateNetwork {
  const told = (text: string) => (tellsGuests(v) ? text : '');
  const subnet = (range: string) => ({
    name: null, cidr: range, dnsServers: orNull(ofFamily(told(v.dnsServers), range)), gateway: v.kind === 'bridged' ? ofFamily(v.gateway, range)[0] ?? null : null, ...spaceRequest(v, range),
  });
  return {
    name: v.name, segment: segmentRequest(v, ranges), subnets: orNull(rangesOf(v).map(subnet)), searchDomains: orNull(listed(told(v.searchDomains))), mtu: v.mtu === '' ? null : Number(v.mtu),
    // What leads out of a segment is its own router.
    outside: v.kind === 'bridged' ? null : v.isolated ? 'none' : 'nat',
  };
}

/** The field that an error belongs to: the request has a list of subnets where the form has a field for each family. */
export function networkField(path: string, v: NetworkValues): string {
  if (path.startsWith('segment.')) return segmentField(path, v);
  const [, at, field] = /^subnets\[(\d)\]\.?(.*)$/.exec(path) ?? [];
  if (at === undefined || field === undefined) return path;
  const shared = ['dnsServers', 'gateway', ...spaceFields].find((name) => field.startsWith(name));
  return shared ?? (v.cidr === '' || at === '1' ? 'cidr6' : 'cidr');
}

/** True if the cloud itself carries the network's packets, so that it can balance, translate and route them. */
export function isRouted(network: Pick<Network, 'segment'>): boolean {
  return !network.segment;
}

export function orNull<T>(list: T[]): T[] | null {
  return list.length === 0 ? null : list;
}
