import Box from '@cloudscape-design/components/box';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Switch, SwitchPort } from '../api/types';
import { useText } from '../i18n/text';

const looks = { answers: 'success', fails: 'error', unknown: 'pending', applied: 'success', pending: 'in-progress', failed: 'warning' } as const satisfies Record<string, StatusIndicatorProps.Type>;

/** Whether a switch answers, and why not. */
export function SwitchState({ of }: { of: Pick<Switch, 'problem' | 'checkedAt'> }): ReactNode {
  const t = useText();
  const state = of.problem !== null ? 'fails' : of.checkedAt === null ? 'unknown' : 'answers';
  return (
    <div data-testid="switch-state" data-state={state}>
      <StatusIndicator type={looks[state]}>{t(`switch.state.${state}`)}</StatusIndicator>
      {of.problem !== null && <Box fontSize="body-s"><span className="kumoi-anywhere">{of.problem}</span></Box>}
    </div>
  );
}

/** Whether a port is as it is wanted, and why not. */
export function PortState({ port }: { port: SwitchPort }): ReactNode {
  const t = useText();
  const state = port.state === 'applied' ? 'applied' : port.problem === null ? 'pending' : 'failed';
  return (
    <div data-testid="port-state" data-state={state}>
      <StatusIndicator type={looks[state]}>{t(`switch.portState.${state}`)}</StatusIndicator>
      {port.problem !== null && <Box fontSize="body-s"><span className="kumoi-anywhere">{port.problem}</span></Box>}
    </div>
  );
}

/** How many of the ports that were set are as they are wanted. */
export function PortCount({ ports }: { ports: readonly SwitchPort[] }): ReactNode {
  const t = useText();
  const applied = ports.filter((p) => p.state === 'applied').length;
  if (ports.length === 0) return t('switch.portsNone');
  return <StatusIndicator type={applied === ports.length ? 'success' : ports.some((p) => p.problem !== null) ? 'warning' : 'in-progress'}>{t('switch.portsPending', { applied, total: ports.length })}</StatusIndicator>;
}
