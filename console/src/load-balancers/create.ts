import type { CreateLoadBalancer } from '../api/types';
import { address, name, optional, violations, type Violation } from '../ui/rules';
import { blankListener, checkListener, listenerField, listenerRequest, type ListenerValues } from './listener';
import { blankMember, checkRows, filled, memberField, memberRequest, type MemberValues } from './member';

/** A load balancer with its first listener, as the form holds them. */
export interface BalancerValues extends ListenerValues {
  readonly name: string;
  readonly description: string;
  readonly network: string;
  /** Empty: the next free one. */
  readonly address: string;
  readonly address6: string;
  readonly members: readonly MemberValues[];
}

export const blankBalancer: BalancerValues = { ...blankListener, name: '', description: '', network: '', address: '', address6: '', members: [blankMember, blankMember] };

export function checkBalancer(v: BalancerValues): Violation[] {
  return [
    ...violations(['name', name(v.name)], ['network', v.network === '' ? { key: 'rule.choose' } : null], ['address', optional(v.address, address)], ['address6', optional(v.address6, address)]),
    ...checkListener(v, false), ...checkRows(v.members),
  ];
}

export function balancerRequest(v: BalancerValues): CreateLoadBalancer {
  const given = (text: string) => (text === '' ? null : text);
  return {
    name: v.name, network: v.network, subnet: null, address: given(v.address), address6: given(v.address6), description: given(v.description), listeners: [listenerRequest(v)],
    members: filled(v.members).map(memberRequest),
  };
}

/** The field that an error of the server belongs to. */
export function balancerField(path: string, v: BalancerValues): string {
  return path.startsWith('members') ? memberField(path, v.members) : listenerField(path);
}
