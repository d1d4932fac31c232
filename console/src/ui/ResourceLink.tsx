import type { ReactNode } from 'react';
import { useMay } from '../session/permissions';
import { lacking } from '../shell/sections';
import { RouteLink } from './RouteLink';

const pages: Readonly<Record<string, (id: string) => string>> = {
  i: (id) => `/instances/${id}`,
  img: (id) => `/images/${id}`,
  key: () => '/key-pairs',
  pg: () => '/placement-groups',
  net: (id) => `/networks/${id}`,
  sg: (id) => `/security-groups/${id}`,
  h: (id) => `/hosts/${id}`,
  u: () => '/users',
  a: (id) => `/accounts/${id}`,
  dom: (id) => `/domains/${id}`,
  role: () => '/roles',
  qr: () => '/quotas',
  flv: () => '/flavors',
  z: () => '/zones',
  fip: () => '/floating-addresses',
  lb: (id) => `/load-balancers/${id}`,
  vpn: (id) => `/vpns/${id}`,
  pool: () => '/address-pools',
  vlr: () => '/vlan-ranges',
  sw: (id) => `/switches/${id}`,
  bk: (id) => `/backups/${id}`,
  bsc: () => '/backup-schedules',
  snap: (id) => `/snapshots/${id}`,
  vol: (id) => `/volumes/${id}`,
  vt: () => '/volume-types',
  trf: (id) => `/tariffs/${id}`,
  hp: (id) => `/host-pools/${id}`,
  dir: () => '/directories',
  stm: () => '/statements',
  spl: (id) => `/pools/${id}`,
};

/** The page of a resource, known by the type prefix of its id; null if the console has none. */
export function pageOf(id: string): string | null {
  return pages[id.slice(0, id.lastIndexOf('-'))]?.(id) ?? null;
}

export function ResourceLink({ id, name }: { id: string; name: string }): ReactNode {
  const may = useMay();
  const page = pageOf(id);
  return page === null || lacking(page, may) !== null ? name || id : <RouteLink to={page}>{name || id}</RouteLink>;
}
