import Box from '@cloudscape-design/components/box';
import Popover from '@cloudscape-design/components/popover';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Host } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';

/** The host's state, or that it is in maintenance; behind it who fenced it, and what is wrong. */
export function HostState({ host }: { host: Host }): ReactNode {
  const t = useText();
  const format = useFormat();
  const up = host.state === 'up';
  const type = !up ? 'error' : host.conditions.length > 0 ? 'warning' : host.maintenance ? 'stopped' : 'success';
  const state = t.word('host.state', host.state);
  const indicator = <StatusIndicator type={type}>{!host.maintenance ? state : up ? t('host.maintenance') : `${state} (${t('host.maintenance')})`}</StatusIndicator>;
  if (host.conditions.length === 0 && host.fencedBy === null) return indicator;
  const content = (
    <SpaceBetween size="s">
      {host.fencedBy !== null && (
        <div>
          {t.word('host.fencedBy', host.fencedBy)}
          {host.fencedAt !== null && <Box fontSize="body-s" color="text-body-secondary">{t('ui.condition.since', { time: format.dateTime(host.fencedAt) })}</Box>}
        </div>
      )}
      {host.conditions.length > 0 && <Conditions conditions={host.conditions} />}
    </SpaceBetween>
  );
  return <Popover dismissButton={false} size="large" header={host.fencedBy !== null ? t('host.fenced') : t('ui.conditions')} content={content}>{indicator}</Popover>;
}
