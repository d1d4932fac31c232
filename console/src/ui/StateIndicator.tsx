import Popover from '@cloudscape-design/components/popover';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Condition } from '../api/types';
import { useText } from '../i18n/text';
import { Conditions } from './Conditions';

/** A state in words and colour; with conditions, a click tells what keeps the resource from what is desired. */
export function StateIndicator({ type, text, conditions }: { type: StatusIndicatorProps.Type; text: string; conditions: readonly Condition[] }): ReactNode {
  const t = useText();
  const indicator = <StatusIndicator type={type}>{text}</StatusIndicator>;
  if (conditions.length === 0) return indicator;
  return <Popover dismissButton={false} size="large" header={t('ui.conditions')} content={<Conditions conditions={conditions} />}>{indicator}</Popover>;
}
