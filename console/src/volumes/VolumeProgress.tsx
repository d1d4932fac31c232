import ProgressBar from '@cloudscape-design/components/progress-bar';
import type { ReactNode } from 'react';
import type { VolumeWork } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { endOf, percentOf } from './work';

/** What a volume's host does to it that takes its time, how far it is, and when it will be done. */
export function VolumeProgress({ work }: { work: VolumeWork }): ReactNode {
  const t = useText();
  const format = useFormat();
  const now = Date.now();
  const [end, said] = [endOf(work, now), { done: format.bytes(work.doneBytes), total: format.bytes(work.totalBytes) }];
  return (
    <div data-testid="volume-work" data-kind={work.kind} data-percent={percentOf(work) ?? ''}>
      <ProgressBar
        label={t.word('work', work.kind)} value={percentOf(work) ?? 0} ariaLabel={t.word('work', work.kind)}
        additionalInfo={work.totalBytes === 0 ? '' : end === null ? t('work.done', said) : t('work.ends', { ...said, when: format.fromNow(new Date(end).toISOString(), now) })}
      />
    </div>
  );
}
