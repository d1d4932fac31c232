import Popover from '@cloudscape-design/components/popover';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Host } from '../api/types';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';

export function HostState({ host }: { host: Host }): ReactNode {
  const t = useText();
  const type = host.state !== 'up' ? 'error' : host.conditions.length > 0 ? 'warning' : 'success';
  const indicator = <StatusIndicator type={type}>{t.word('host.state', host.state)}</StatusIndicator>;
  if (host.conditions.length === 0) return indicator;
  return <Popover dismissButton={false} size="large" header={t('ui.conditions')} content={<Conditions conditions={host.conditions} />}>{indicator}</Popover>;
}
