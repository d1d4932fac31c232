import type { Subnet, UpdateSubnet } from '../api/types';
import { each, isV6, listed, span, violations, type Broken, type Violation } from '../ui/rules';

/** What of subnets is given out, as a form holds it: lists in which each subnet finds what is of its family. */
export interface SpaceValues {
  /** Empty: all of it. */
  readonly range: string;
  readonly reserved: string;
  readonly excluded: string;
}

export const wholeSpace: SpaceValues = { range: '', reserved: '', excluded: '' };

export const spaceFields = ['range', 'reserved', 'excluded'] as const;

const spansMax = 64;

/** The parts of a list that are of a subnet's family. */
export function ofFamily(text: string, cidr: string): string[] {
  return listed(text).filter((part) => isV6(part) === isV6(cidr));
}

/** Nothing that is typed may be left unsent because no subnet is of its family. */
export function inFamilies(text: string, cidrs: readonly string[]): Broken {
  return listed(text).every((part) => cidrs.some((cidr) => isV6(cidr) === isV6(part))) ? null : { key: 'network.noSuchFamily' };
}

/** One part for each subnet at the most. */
export function oneEach(text: string, cidrs: readonly string[]): Broken {
  return cidrs.some((cidr) => ofFamily(text, cidr).length > 1) ? { key: 'network.oneEach' } : null;
}

export function checkSpace(v: SpaceValues, cidrs: readonly string[]): Violation[] {
  const spans = (text: string): Broken => (cidrs.some((cidr) => ofFamily(text, cidr).length > spansMax) ? { key: 'network.spansMost', values: { max: spansMax } } : each(text, span) ?? inFamilies(text, cidrs));
  return violations(['range', spans(v.range) ?? oneEach(v.range, cidrs)], ['reserved', spans(v.reserved)], ['excluded', spans(v.excluded)]);
}

/** What of one subnet is given out, as it is sent. */
export function spaceRequest(v: SpaceValues, cidr: string) {
  const orNull = (list: string[]) => (list.length === 0 ? null : list);
  return { range: ofFamily(v.range, cidr)[0] ?? null, reserved: orNull(ofFamily(v.reserved, cidr)), excluded: orNull(ofFamily(v.excluded, cidr)) };
}

export function spaceOf(subnet: Subnet): SpaceValues {
  return { range: subnet.range ?? '', reserved: (subnet.reserved ?? []).join('\n'), excluded: (subnet.excluded ?? []).join('\n') };
}

/** What is changed: everything is sent, so that what was emptied is empty. */
export function spaceUpdate(v: SpaceValues): UpdateSubnet {
  return { range: listed(v.range)[0] ?? 'all', reserved: listed(v.reserved), excluded: listed(v.excluded) };
}
