import type { CreateSecurityGroupRule, SecurityGroupRule } from '../api/types';
import type { Text } from '../i18n/text';
import { cidr, required, violations, wholeNumber, type Violation } from '../ui/rules';

export interface RuleValues {
  readonly direction: string;
  readonly protocol: string;
  readonly fromPort: string;
  readonly toPort: string;
  /** Where the other side is: an address range, a group of the account, or one of another. */
  readonly peer: 'cidr' | 'group' | 'foreign';
  readonly cidr: string;
  readonly group: string;
  /** `ACCOUNT/NAME`, or an id. */
  readonly foreign: string;
  readonly description: string;
}

export const everyone = '0.0.0.0/0';
export const everyone6 = '::/0';

export function isOpen(cidr: string | null): boolean {
  return cidr === everyone || cidr === everyone6;
}

export const blankRule: RuleValues = { direction: 'ingress', protocol: 'tcp', fromPort: '', toPort: '', peer: 'cidr', cidr: everyone, group: '', foreign: '', description: '' };

export const presets = {
  ssh: { protocol: 'tcp', fromPort: '22', toPort: '22' },
  http: { protocol: 'tcp', fromPort: '80', toPort: '80' },
  https: { protocol: 'tcp', fromPort: '443', toPort: '443' },
  ping: { protocol: 'icmp', fromPort: '8', toPort: '' },
  // ICMPv6 has types of its own (RFC 4443), so that this one says which family it means.
  ping6: { protocol: 'icmp', fromPort: '128', toPort: '', peer: 'cidr', cidr: everyone6 },
  all: { protocol: 'any', fromPort: '', toPort: '' },
} as const satisfies Record<string, Partial<RuleValues>>;

export function hasPorts(protocol: string): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}

const descriptionMax = 255;

export function checkRule(v: RuleValues): Violation[] {
  const [min, max] = v.protocol === 'icmp' ? [0, 255] as const : [1, 65535] as const;
  const number = (text: string) => (v.protocol === 'any' || text === '' ? null : wholeNumber(text, min, max));
  const order = hasPorts(v.protocol) && v.toPort !== '' && Number(v.toPort) < Number(v.fromPort) ? { key: 'rule.portOrder' as const } : null;
  return violations(
    ['fromPort', number(v.fromPort) ?? (v.protocol !== 'any' && v.toPort !== '' && v.fromPort === '' ? { key: 'rule.required' } : null)],
    ['toPort', number(v.toPort) ?? order], ['cidr', v.peer === 'cidr' ? cidr(v.cidr) : null],
    ['group', v.peer === 'group' && v.group === '' ? { key: 'rule.choose' } : null],
    ['foreign', v.peer === 'foreign' ? required(v.foreign) : null],
    ['description', v.description.length > descriptionMax ? { key: 'rule.tooLong', values: { max: descriptionMax } } : null]);
}

/** What is sent. One port alone is a range of one; for ICMP the second number is the code. */
export function ruleRequest(v: RuleValues): CreateSecurityGroupRule {
  const number = (text: string) => (v.protocol === 'any' || text === '' ? null : Number(text));
  const from = number(v.fromPort);
  return {
    direction: v.direction, protocol: v.protocol, fromPort: from, toPort: number(v.toPort) ?? (hasPorts(v.protocol) ? from : null),
    cidr: v.peer === 'cidr' ? v.cidr : null, group: v.peer === 'group' ? v.group : v.peer === 'foreign' ? v.foreign.trim() : null, description: v.description === '' ? null : v.description,
  };
}

/** The ports of a rule in words; for ICMP its type and code. */
export function portsText(t: Text, rule: Pick<SecurityGroupRule, 'protocol' | 'fromPort' | 'toPort'>): string {
  const { protocol, fromPort, toPort } = rule;
  if (fromPort === null) return t('securityGroup.allPorts');
  if (protocol === 'icmp') return toPort === null ? t('securityGroup.icmpType', { type: fromPort }) : t('securityGroup.icmpTypeCode', { type: fromPort, code: toPort });
  return toPort === null || toPort === fromPort ? String(fromPort) : `${fromPort}–${toPort}`;
}
