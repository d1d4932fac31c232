import type { May, Permission, Reach } from '../session/permissions';

/** What it takes to read a list, where that is not `read` of its name in the account; null if everybody may. */
const elsewhere: Readonly<Record<string, readonly [Permission, Reach] | null>> = {
  tokens: null, 'access-keys': null, 'second-factor': null, tariffs: ['tariffs:read', 'cloud'], directories: ['directories:read', 'domain'], accounts: ['accounts:read', 'domain'], domains: ['domains:read', 'domain'], hosts: ['hosts:read', 'cloud'], 'cloud-alerts': ['cloud-alerts:read', 'cloud'], 'cloud-contacts': ['cloud-contacts:read', 'cloud'], switches: ['switches:read', 'cloud'], strays: ['hosts:read', 'cloud'], routes: ['networks:read', 'account'],
};

/** True if somebody may read the list that is known by the key. */
export function mayRead(key: string, may: May): boolean {
  const needs = elsewhere[key];
  return needs === null || (needs === undefined ? may(`${key}:read`) : may(...needs));
}
