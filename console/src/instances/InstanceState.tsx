import type { ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';
import { lookOf } from './state';

/** The state of an instance, and what keeps it from what is desired. */
export function InstanceState({ instance: { state, conditions } }: { instance: Pick<Instance, 'state' | 'conditions'> }): ReactNode {
  const t = useText();
  return (
    <span data-testid="instance-state" data-state={state}>
      <StateIndicator type={lookOf(state, conditions.length)} text={t.word('instance.state', state)} conditions={conditions} />
    </span>
  );
}
