import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { LoadBalancerMember } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { healthOf, lookOfHealth } from './loadBalancers';

/** How many of some members work. */
export function HealthCount({ members }: { members: readonly Pick<LoadBalancerMember, 'health'>[] }): ReactNode {
  const t = useText();
  const { healthy, total, look } = healthOf(members);
  return (
    <span className="kumoi-whole" data-testid="health-count" data-look={look}>
      <StatusIndicator type={look}>{total === 0 ? t('balancer.membersNone') : t('balancer.healthCount', { healthy, total })}</StatusIndicator>
    </span>
  );
}

/** Whether a member works, since when, and why not, in the words of the host that says so. */
export function MemberHealth({ member: m }: { member: LoadBalancerMember }): ReactNode {
  const t = useText();
  const format = useFormat();
  const words = m.health === 'mixed' ? t('balancer.health.mixedOf', { healthy: m.healthyHosts, hosts: m.healthyHosts + m.unhealthyHosts }) : t.word('balancer.health', m.health);
  return (
    <div data-testid="member-health" data-health={m.health} data-draining={m.draining}>
      <StatusIndicator type={lookOfHealth(m.health)}>{words}</StatusIndicator>
      {m.draining && <div><StatusIndicator type="stopped">{t('balancer.draining')}</StatusIndicator></div>}
      {m.reason !== null && <Box fontSize="body-s"><span className="kumoi-anywhere">{m.reason}</span></Box>}
      {m.since !== null && <Box fontSize="body-s" color="text-body-secondary">{t('ui.condition.since', { time: format.dateTime(m.since) })}</Box>}
    </div>
  );
}
