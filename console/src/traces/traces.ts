import { answer, api } from '../api/client';
import type { SecurityGroupRule, TraceQuestion } from '../api/types';
import type { Text } from '../i18n/text';
import { portsText } from '../security-groups/rule';
import { required, violations, wholeNumber, type Violation } from '../ui/rules';

export interface TraceValues {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: string;
}

export const outside = 'outside';

/** The question in an address, so that it can be linked to and sent to a colleague. */
export function traceFrom(search: URLSearchParams): TraceValues {
  return { from: search.get('from') ?? '', to: search.get('to') ?? '', protocol: search.get('protocol') ?? 'tcp', port: search.get('port') ?? '' };
}

export function traceTo(values: Partial<TraceValues>): string {
  return `/trace?${new URLSearchParams(values).toString()}`;
}

export function checkTrace(v: TraceValues): Violation[] {
  const [min, max] = v.protocol === 'icmp' ? [0, 255] as const : [1, 65535] as const;
  return violations(['from', required(v.from)], ['to', required(v.to)], ['port', v.protocol === 'any' || v.port === '' ? null : wholeNumber(v.port, min, max)]);
}

export function traceRequest(v: TraceValues): TraceQuestion {
  return { from: v.from.trim(), to: v.to.trim(), protocol: v.protocol, port: v.protocol === 'any' || v.port === '' ? null : Number(v.port) };
}

export const traces = {
  ask: (body: TraceQuestion) => answer(api.POST('/api/v1/networks/trace', { body })),
};

/** A rule in one line: protocol, ports, other side. */
export function ruleText(t: Text, r: SecurityGroupRule): string {
  return `${t.word('securityGroup.protocol', r.protocol)} ${portsText(t, r)} · ${r.cidr ?? r.group?.name ?? ''}`;
}
