import Popover from '@cloudscape-design/components/popover';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';
import { lookOf } from './state';

/** The state of an instance; with conditions, a click tells what keeps it from what is desired. */
export function InstanceState({ instance }: { instance: Pick<Instance, 'state' | 'conditions'> }): ReactNode {
  const t = useText();
  const { state, conditions } = instance;
  const indicator = <StatusIndicator type={lookOf(state, conditions.length)}>{t.word('instance.state', state)}</StatusIndicator>;
  return (
    <span data-testid="instance-state" data-state={state}>
      {conditions.length === 0 ? indicator : (
        <Popover dismissButton={false} size="large" header={t('ui.conditions')} content={<Conditions conditions={conditions} />}>{indicator}</Popover>
      )}
    </span>
  );
}
