import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Pool } from '../api/types';
import { useText } from '../i18n/text';
import { stateOf, type PoolStateName } from './pools';

const looks: Readonly<Record<PoolStateName, StatusIndicatorProps.Type>> = { available: 'success', nearlyFull: 'warning', unreached: 'error', maintenance: 'stopped' };

/** Whether volumes can be made in a pool, and whether its operator should look after it. */
export function PoolState({ pool }: { pool: Pool }): ReactNode {
  const t = useText();
  const state = stateOf(pool);
  return <span data-testid="pool-state" data-state={state}><StatusIndicator type={looks[state]}>{t(`pool.state.${state}`)}</StatusIndicator></span>;
}
