import Popover from '@cloudscape-design/components/popover';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Conditions } from '../ui/Conditions';

export function ImageState({ image }: { image: Image }): ReactNode {
  const t = useText();
  const format = useFormat();
  const { state, conditions, receivedBytes, expectedBytes } = image;
  const type = state === 'available' ? 'success' : state === 'failed' ? 'error' : conditions.length > 0 ? 'warning' : 'loading';
  const indicator = <StatusIndicator type={type}>{t.word('image.state', state)}</StatusIndicator>;
  if (conditions.length > 0)
    return <Popover dismissButton={false} size="large" header={t('ui.conditions')} content={<Conditions conditions={conditions} />}>{indicator}</Popover>;
  if (state !== 'pending' || receivedBytes === 0) return indicator;
  return expectedBytes === null
    ? <>{indicator} {t('image.receivedSoFar', { received: format.bytes(receivedBytes) })}</>
    : <ProgressBar value={(100 * receivedBytes) / Math.max(1, expectedBytes)} additionalInfo={t('image.received', { received: format.bytes(receivedBytes), expected: format.bytes(expectedBytes) })} />;
}
