import ProgressBar from '@cloudscape-design/components/progress-bar';
import { useState, type ReactNode } from 'react';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { endOf } from '../volumes/work';

/** How many of an image's bytes have come, and when all will be there if they go on coming as they have since the page was opened. */
export function ImageProgress({ image: i }: { image: Image }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [first] = useState(() => ({ bytes: i.receivedBytes, at: new Date().toISOString() }));
  const [now, total] = [Date.now(), i.expectedBytes];
  const end = total === null ? null : endOf({ doneBytes: i.receivedBytes - first.bytes, totalBytes: total - first.bytes, since: first.at }, now);
  const said = { done: format.bytes(i.receivedBytes), total: format.bytes(total ?? 0) };
  return (
    <div data-testid="image-progress">
      <ProgressBar
        label={t(i.receivedBytes > 0 ? 'image.receiving' : 'image.waiting')} ariaLabel={t('image.receiving')} value={total === null ? 0 : (100 * i.receivedBytes) / Math.max(1, total)} description={t('image.giveUpHint')}
        additionalInfo={i.receivedBytes === 0 ? '' : total === null ? t('image.receivedSoFar', { received: said.done }) : end === null ? t('work.done', said) : t('work.ends', { ...said, when: format.fromNow(new Date(end).toISOString(), now) })}
      />
    </div>
  );
}
