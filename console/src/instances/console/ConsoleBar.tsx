import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { useText } from '../../i18n/text';
import { ProblemAlert } from '../../ui/ProblemAlert';
import type { ConsoleState } from './address';

const looks: Readonly<Record<ConsoleState, StatusIndicatorProps.Type>> = { connecting: 'loading', connected: 'success', closed: 'stopped', failed: 'error' };

/** Above a console: whether it is connected, and its buttons. */
export function ConsoleBar({ state, failure, children }: { state: ConsoleState; failure: Error | null; children: ReactNode }): ReactNode {
  const t = useText();
  return (
    <SpaceBetween size="xs">
      <ProblemAlert failure={failure} />
      <div style={{ display: 'flex', justifyContent: 'space-between', alignItems: 'center', flexWrap: 'wrap', gap: 8, paddingBottom: 8 }}>
        <span data-testid="console-state" data-state={state}><StatusIndicator type={looks[state]}>{t(`console.${state}`)}</StatusIndicator></span>
        <SpaceBetween direction="horizontal" size="xs">{children}</SpaceBetween>
      </div>
    </SpaceBetween>
  );
}
