import { answer, api } from '../api/client';
import type { CreateVpn, CreateVpnClient, CreateVpnSite } from '../api/types';
import { address, listed, optional, wholeNumber, type Broken } from '../ui/rules';

const at = (vpn: string) => ({ params: { path: { vpn } } });

export const vpns = {
  key: 'vpns',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/vpns', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/vpns/{vpn}', at(id))),
  create: (body: CreateVpn) => answer(api.POST('/api/v1/vpns', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/vpns/{vpn}', at(id))),
};

export const vpnClients = {
  list: (vpn: string, query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/vpns/{vpn}/clients', { params: { path: { vpn }, query } })),
  get: (vpn: string, vpnClient: string) => answer(api.GET('/api/v1/vpns/{vpn}/clients/{vpnClient}', { params: { path: { vpn, vpnClient } } })),
  create: (vpn: string, body: CreateVpnClient) => answer(api.POST('/api/v1/vpns/{vpn}/clients', { ...at(vpn), body })),
  remove: (vpn: string, vpnClient: string) => answer(api.DELETE('/api/v1/vpns/{vpn}/clients/{vpnClient}', { params: { path: { vpn, vpnClient } } })),
};

export const vpnSites = {
  list: (vpn: string, query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/vpns/{vpn}/sites', { params: { path: { vpn }, query } })),
  get: (vpn: string, vpnSite: string) => answer(api.GET('/api/v1/vpns/{vpn}/sites/{vpnSite}', { params: { path: { vpn, vpnSite } } })),
  create: (vpn: string, body: CreateVpnSite) => answer(api.POST('/api/v1/vpns/{vpn}/sites', { ...at(vpn), body })),
  remove: (vpn: string, vpnSite: string) => answer(api.DELETE('/api/v1/vpns/{vpn}/sites/{vpnSite}', { params: { path: { vpn, vpnSite } } })),
};

/** What else shows something of a VPN gateway: its public address is a floating address. */
export const staleWithVpns = ['vpns', 'floating-addresses', 'networks'] as const;

/** Peers that are there agree on keys anew every two minutes, and are given up after three (WireGuard's REJECT_AFTER_TIME). */
const connectedMs = 180_000;

export function isConnected(handshakeAt: string | null, now: number): boolean {
  return handshakeAt !== null && now - Date.parse(handshakeAt) < connectedMs;
}

/** True if a configuration holds keys that are told this once. */
export function holdsKeys(profile: string): boolean {
  return /^(PrivateKey|PresharedKey) = /m.test(profile);
}

/** A file name that wg-quick takes for an interface's name: at most 15 characters of few kinds. */
export function profileFile(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_=+.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 15).replace(/[-.]+$/, '');
  return `${plain === '' ? 'kumoi' : plain}.conf`;
}

/** 32 bytes in base64: what WireGuard's keys are. */
export function wireGuardKey(text: string): Broken {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text.trim()) ? null : { key: 'vpn.keyForm' };
}

/** Where the gateway looks for a site: an IPv4 address and a port. */
export function endpoint(text: string): Broken {
  const [host = '', port = '', ...rest] = text.split(':');
  return rest.length === 0 && address(host) === null && wholeNumber(port, 1, 65535) === null ? null : { key: 'vpn.endpointForm' };
}

/** The key pair of the other end as a form holds it: made by the server, or the public key of one that is there. */
export interface PeerKeyValues {
  readonly how: string;
  readonly publicKey: string;
}

export const blankKeys: PeerKeyValues = { how: 'generate', publicKey: '' };

export function ownKey(v: PeerKeyValues): Broken {
  return v.how === 'own' ? wireGuardKey(v.publicKey) : null;
}

/** The public key that is sent; null asks for a pair. */
export function sentKey(v: PeerKeyValues): string | null {
  return v.how === 'own' ? v.publicKey.trim() : null;
}

export interface SiteValues extends PeerKeyValues {
  readonly name: string;
  readonly ranges: string;
  readonly endpoint: string;
  readonly preshared: string;
  readonly presharedKey: string;
}

export const blankSite: SiteValues = { ...blankKeys, name: '', ranges: '', endpoint: '', preshared: 'generate', presharedKey: '' };

export function siteRequest(v: SiteValues): CreateVpnSite {
  return {
    name: v.name, publicKey: sentKey(v), ranges: listed(v.ranges), endpoint: v.endpoint.trim() === '' ? null : v.endpoint.trim(),
    presharedKey: v.preshared === 'generate' ? 'generate' : v.preshared === 'own' ? v.presharedKey.trim() : null,
  };
}

export function siteEndpoint(v: SiteValues): Broken {
  return optional(v.endpoint.trim(), endpoint);
}
