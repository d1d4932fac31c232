import type { CreateRole, UpdateRole } from '../api/types';
import { name, violations, type Violation } from '../ui/rules';

export interface RoleValues {
  readonly name: string;
  readonly description: string;
  readonly permissions: readonly string[];
  /** The path of the domain that it is of; empty for the account, `choose` before one is chosen. */
  readonly domain: string;
}

// The server's rules.
const descriptionMax = 256;
const permissionsMax = 200;

export function checkRole(v: RoleValues, isNew: boolean): Violation[] {
  return violations(
    ['name', isNew ? name(v.name) : null], ['description', v.description.length > descriptionMax ? { key: 'rule.tooLong', values: { max: descriptionMax } } : null],
    ['permissions', v.permissions.length === 0 ? { key: 'role.none' } : v.permissions.length > permissionsMax ? { key: 'role.tooMany', values: { max: permissionsMax } } : null],
    ['domain', v.domain === 'choose' ? { key: 'rule.choose' } : null]);
}

export function roleOf(v: RoleValues): CreateRole {
  return { name: v.name, description: v.description, permissions: [...v.permissions], domain: v.domain === '' ? null : v.domain };
}

export function roleChange(v: RoleValues): UpdateRole {
  return { description: v.description, permissions: [...v.permissions] };
}
