import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { lookOf, states } from '../instances/state';
import { useMay } from '../session/permissions';
import { RouteLink } from '../ui/RouteLink';

export function InstanceCounts({ counts }: { counts: Readonly<Record<string, number>> }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  // Terminated instances are not listed, and states on the way only matter while something is in them.
  const shown = states.filter((s) => s === 'running' || s === 'stopped' || (s !== 'terminated' && (counts[s] ?? 0) > 0));
  const total = states.reduce((sum, s) => sum + (s === 'terminated' ? 0 : (counts[s] ?? 0)), 0);
  return (
    <Container header={<Header variant="h2" counter={`(${format.number(total)})`}>{t('dashboard.instances')}</Header>}>
      {total === 0 ? <Box color="text-body-secondary">{t('dashboard.noInstances')}</Box> : (
        <KeyValuePairs
          columns={5} minColumnWidth={130}
          items={shown.map((s) => ({
            label: <StatusIndicator type={lookOf(s, 0)}>{t(`instance.state.${s}`)}</StatusIndicator>,
            value: may('instances:read') ? <RouteLink to={`/instances?state=${s}`} fontSize="heading-l">{format.number(counts[s] ?? 0)}</RouteLink> : <Box fontSize="heading-l">{format.number(counts[s] ?? 0)}</Box>,
          }))}
        />
      )}
    </Container>
  );
}
