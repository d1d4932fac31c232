import type { KnownPermission } from '../api/types';
import { allows, type Permission } from '../session/permissions';

/** A capability and its verbs, as a row of boxes to tick. */
export interface GridRow {
  readonly capability: string;
  readonly verbs: readonly string[];
}

export type RoleReach = 'account' | 'domain' | 'cloud';

/** Those that all capabilities have come first. */
const rank = (verb: string) => (verb === 'read' ? 0 : verb === 'write' ? 1 : 2);

/** The capabilities that a role can have where it belongs: what is the cloud's means nothing in an account. Patterns that name others are kept. */
export function rowsOf(known: readonly KnownPermission[], reach: RoleReach, patterns: readonly string[]): GridRow[] {
  const reaches = { account: ['account'], domain: ['account', 'domain'], cloud: ['account', 'domain', 'cloud'] }[reach];
  const rows = new Map<string, Set<string>>();
  const named = [...known.filter((p) => reaches.includes(p.reach)).map((p) => p.permission), ...patterns];
  for (const [capability, verb] of named.map((permission) => permission.split(':') as [string, string])) {
    if (capability === '*') continue;
    const verbs = rows.get(capability) ?? rows.set(capability, new Set()).get(capability)!;
    if (verb !== '*') verbs.add(verb);
  }
  return [...rows].sort(([a], [b]) => a.localeCompare(b)).map(([capability, verbs]) => ({ capability, verbs: [...verbs].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b)) }));
}

/** How a box stands: ticked itself, ticked by a wider one, or not. */
export type Tick = 'own' | 'wider' | 'none';

export function tickOf(patterns: readonly string[], pattern: string): Tick {
  if (patterns.includes(pattern)) return 'own';
  const [capability, verb] = pattern.split(':') as [string, string];
  const wider = patterns.includes('*:*') || (capability !== '*' && verb !== '*' ? allows(patterns, pattern as Permission) : false);
  return wider ? 'wider' : 'none';
}

/** True if a pattern stands for all that the other one stands for. */
function covers(wide: string, narrow: string): boolean {
  const [[capability, verb], [otherCapability, otherVerb]] = [wide.split(':'), narrow.split(':')];
  return (capability === '*' || capability === otherCapability) && (verb === '*' || verb === otherVerb);
}

/** Ticks a box, or clears it. What a wider one stands for need not be named besides. */
export function toggle(patterns: readonly string[], pattern: string): string[] {
  if (patterns.includes(pattern)) return patterns.filter((p) => p !== pattern);
  return [...patterns.filter((p) => !covers(pattern, p)), pattern].sort();
}
