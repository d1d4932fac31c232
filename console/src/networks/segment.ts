import type { CreateSegment, Network, Segment, VlanRange } from '../api/types';
import type { Text } from '../i18n/text';
import { device, optional, violations, vlan, wholeNumber, type Violation } from '../ui/rules';

/** Where a bridged network is, as a form holds it. */
export interface SegmentValues {
  readonly kind: 'private' | 'bridged';
  /** The range of the account that the VLAN is of. Operators choose none: they name the device. */
  readonly vlanRange: string;
  readonly device: string;
  /** Empty: frames without a tag. */
  readonly vlan: string;
  readonly dhcp: string;
}

export const blankSegment: SegmentValues = { kind: 'private', vlanRange: '', device: '', vlan: '', dhcp: 'host' };

/** @param ranges Those of the account; null for operators, who may use every VLAN. */
export function checkSegment(v: SegmentValues, ranges: readonly VlanRange[] | null): Violation[] {
  if (v.kind === 'private') return [];
  if (ranges === null) return violations(['device', v.device === '' ? { key: 'rule.required' } : device(v.device)], ['vlan', optional(v.vlan, vlan)]);
  const range = ranges.find((r) => r.id === v.vlanRange);
  return violations(['vlanRange', range === undefined ? { key: 'rule.choose' } : null], ['vlan', range === undefined ? vlan(v.vlan) : wholeNumber(v.vlan, range.firstVlan, range.lastVlan)]);
}

export function segmentRequest(v: SegmentValues, ranges: readonly VlanRange[] | null): CreateSegment | null {
  if (v.kind === 'private') return null;
  return { device: ranges === null ? v.device : (ranges.find((r) => r.id === v.vlanRange)?.device ?? null), vlan: v.vlan === '' ? null : Number(v.vlan), dhcp: v.dhcp };
}

/** True if a server of the segment tells guests their addresses, and the cloud tells them nothing. */
export function dhcpIsOutside(segment: Segment | null | undefined): boolean {
  return segment?.dhcp === 'external';
}

/** The field that an error of a segment belongs to. */
export function segmentField(path: string, v: SegmentValues): string {
  const field = path.slice('segment.'.length);
  return field === 'device' && v.vlanRange !== '' ? 'vlanRange' : field;
}

export function segmentText(t: Text, { device: name, vlan: number }: Pick<Segment, 'device' | 'vlan'>): string {
  return number === null ? t('network.segmentUntagged', { device: name }) : t('network.segmentVlan', { device: name, vlan: number });
}

export function kindText(t: Text, { segment }: Pick<Network, 'segment'>): string {
  return segment ? t('network.kindBridged', { segment: segmentText(t, segment) }) : t('network.kind.private');
}

/** How guests without a floating address reach the outside. */
export function outsideText(t: Text, n: Pick<Network, 'segment' | 'outside'>): string {
  return t(n.segment ? 'network.outside.segment' : n.outside === 'none' ? 'network.outside.none' : 'network.outside.nat');
}

export function vlansText({ firstVlan, lastVlan }: Pick<VlanRange, 'firstVlan' | 'lastVlan'>): string {
  return firstVlan === lastVlan ? String(firstVlan) : `${firstVlan}-${lastVlan}`;
}
