import ProgressBar from '@cloudscape-design/components/progress-bar';
import type { ReactNode } from 'react';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';

export function ImageState({ image }: { image: Image }): ReactNode {
  const t = useText();
  const format = useFormat();
  const { state, conditions, receivedBytes, expectedBytes } = image;
  const type = state === 'available' ? 'success' : state === 'failed' ? 'error' : conditions.length > 0 ? 'warning' : 'loading';
  const indicator = <StateIndicator type={type} text={t.word('image.state', state)} conditions={conditions} />;
  if (conditions.length > 0 || state !== 'pending' || receivedBytes === 0) return indicator;
  return expectedBytes === null
    ? <>{indicator} {t('image.receivedSoFar', { received: format.bytes(receivedBytes) })}</>
    : <ProgressBar value={(100 * receivedBytes) / Math.max(1, expectedBytes)} additionalInfo={t('image.received', { received: format.bytes(receivedBytes), expected: format.bytes(expectedBytes) })} />;
}
