import type { May, Permission, Reach } from '../session/permissions';

/** A page of the navigation, and what it takes to see it. */
export interface Section {
  readonly path: string;
  readonly needs?: Permission;
  readonly reach?: Reach;
  /** What it takes in the cloud to be offered it. */
  readonly offered?: Permission;
}

const own = (...paths: string[]): Section[] => paths.map((path) => ({ path, needs: `${path}:read` as Permission }));
const cloud = (...paths: string[]): Section[] => paths.map((path) => ({ path, needs: `${path}:read` as Permission, reach: 'cloud' }));
/** What accounts use, too: everybody may look at it, few look after it. */
const common = (...paths: string[]): Section[] => paths.map((path) => ({ path, needs: `${path}:read` as Permission, offered: `${path}:read` as Permission }));

export const sections = {
  compute: own('instances', 'images', 'key-pairs', 'placement-groups'),
  storage: own('volumes', 'snapshots', 'backups', 'backup-schedules', 'recoverable-volumes', 'volume-types'),
  network: [...own('networks', 'security-groups', 'floating-addresses', 'load-balancers', 'vpns'), { path: 'trace', needs: 'networks:read' }],
  account: [...own('alerts', 'events', 'subscriptions', 'quotas', 'members', 'users', 'roles'), { path: 'access' }],
  billing: [...own('usage', 'statements'), { path: 'prices', needs: 'tariffs:read' }],
  tenancy: [
    { path: 'domains', needs: 'domains:read', reach: 'domain' }, { path: 'accounts', needs: 'accounts:read', reach: 'domain' }, { path: 'directories', needs: 'directories:read', reach: 'domain' }, { path: 'quota-requests', needs: 'quota-requests:answer', reach: 'domain' },
    ...cloud('quota-defaults', 'tariffs'), { path: 'issued-statements', needs: 'issued-statements:read', reach: 'domain' },
  ],
  operator: [...cloud('cloud-alerts', 'hosts'), ...common('host-pools', 'flavors', 'zones')],
  infrastructure: [...common('pools', 'address-pools', 'vlan-ranges'), ...cloud('switches')],
} as const satisfies Record<string, readonly Section[]>;

export type Group = keyof typeof sections;

/** Those of a group that somebody is offered. */
export function offered(group: Group, may: May): readonly Section[] {
  return sections[group].filter((s: Section) => (s.needs === undefined || may(s.needs, s.reach)) && (s.offered === undefined || may(s.offered, 'cloud')));
}

/** What it takes to see the page at an address, if somebody lacks it. */
export function lacking(pathname: string, may: May): Permission | null {
  const first = pathname.split('/')[1];
  const section: Section | undefined = Object.values(sections).flat().find((s) => s.path === first);
  return section?.needs === undefined || may(section.needs, section.reach) ? null : section.needs;
}
