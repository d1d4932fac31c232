import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { PacketTrace, TraceStep } from '../api/types';
import { useText } from '../i18n/text';
import { Groups } from '../interfaces/cells';
import { interfaceName, interfaces } from '../interfaces/interfaces';
import { ResourceLink } from '../ui/ResourceLink';
import { ruleText } from './traces';

/** The way of a packet, and whether it arrives. */
export function TraceSteps({ trace }: { trace: PacketTrace }): ReactNode {
  const t = useText();
  return (
    <SpaceBetween size="m">
      <div data-testid="trace-result" data-passes={trace.passes}>
        <Alert type={trace.passes ? 'success' : 'error'} header={t(trace.passes ? 'trace.arrives' : 'trace.lost')}>{!trace.passes && (trace.steps.find((s) => !s.passes)?.message ?? '')}</Alert>
      </div>
      <Container header={<Header variant="h2">{t('trace.steps')}</Header>}>
        <SpaceBetween size="s">
          {/* The steps of one answer have no ids, and their order never changes. */}
          {trace.steps.map((step, at) => <Step key={at} step={step} />)}
        </SpaceBetween>
      </Container>
    </SpaceBetween>
  );
}

function Step({ step }: { step: TraceStep }): ReactNode {
  const t = useText();
  const { group, rule } = step;
  const all = useAll([interfaces.key], interfaces.list);
  // That no rule lets it pass is decided by all groups of the interface: one of them lacks the rule.
  const refusing = step.passes || group !== null ? undefined : all.data?.find((f) => f.id === step.interface);
  return (
    <div>
      <StatusIndicator type={step.passes ? 'success' : 'error'} wrapText>{step.message}</StatusIndicator>
      {group !== null && (
        <Box fontSize="body-s" color="text-body-secondary" padding={{ left: 'l' }}>
          {t('trace.decidedBy')} <ResourceLink {...group} />{rule !== null && <> · {ruleText(t, rule)} · <code>{rule.id}</code></>}
        </Box>
      )}
      {refusing !== undefined && refusing.securityGroups.length > 0 && (
        <Box fontSize="body-s" color="text-body-secondary" padding={{ left: 'l' }}>{t('trace.groupsOf', { name: interfaceName(refusing) })} <Groups of={refusing} /></Box>
      )}
    </div>
  );
}
