import type { Self } from '../api/types';
import { useStore } from '../ui/store';
import { session } from './session';

/** `capability:verb`, as the server's routes name them. */
export type Permission = `${string}:${string}`;

/** Where a permission is looked for: in the account acted for, in some domain, or in the cloud as a whole. */
export type Reach = 'account' | 'domain' | 'cloud';

export type May = (permission: Permission, reach?: Reach) => boolean;

/** True if one of the patterns is the permission or stands for it: `volumes:*`, `*:read`, `*:*`. */
export function allows(patterns: readonly string[], permission: Permission): boolean {
  const [capability, verb] = permission.split(':') as [string, string];
  return ['*:*', permission, `${capability}:*`, `*:${verb}`].some((pattern) => patterns.includes(pattern));
}

/** True if the user has a role in a domain that the account acted for is in. */
function looksAfter({ memberships, actingFor }: Pick<Self, 'memberships' | 'actingFor'>): boolean {
  const path = actingFor.domain.name;
  return memberships.some(({ domain }) => domain !== null && (domain.name === 'root' || path === domain.name || path.startsWith(`${domain.name}/`)));
}

/** What somebody may. In an account that stands still its members only look, and in a closed one not even that; those of its domain go on. */
export function mayOf(self: Self | null): May {
  return (permission, reach = 'account') => {
    if (self === null) return false;
    if (reach !== 'account') return allows(reach === 'cloud' ? self.cloudPermissions : self.domainPermissions, permission);
    const { state } = self.actingFor;
    const holds = state === 'active' || (state === 'suspended' && permission.endsWith(':read')) || (looksAfter(self) && allows(self.domainPermissions, permission));
    return holds && allows(self.permissions, permission);
  };
}

/** What the console offers to the user. The server decides what is allowed. */
export function useMay(): May {
  return mayOf(useStore(session).self);
}

/** The id of the account whose things are seen and made. */
export function useAccount(): string {
  return useStore(session).self?.actingFor.id ?? '';
}
