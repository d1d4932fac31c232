import ProgressBar from '@cloudscape-design/components/progress-bar';
import type { ReactNode } from 'react';
import type { VolumeWork } from '../api/types';
import { useText } from '../i18n/text';
import { percentOf } from './work';
import { useWorkText } from './WorkNote';

/** What a host does to a volume or a backup that takes its time, how far it is, when it will be done, and how it is given up, if it can be. */
export function VolumeProgress({ work, giveUp }: { work: VolumeWork; giveUp?: string | undefined }): ReactNode {
  const t = useText();
  const text = useWorkText(work);
  return (
    <div data-testid="volume-work" data-kind={work.kind} data-percent={percentOf(work) ?? ''}>
      <ProgressBar label={t.word('work', work.kind)} value={percentOf(work) ?? 0} ariaLabel={t.word('work', work.kind)} additionalInfo={text} description={giveUp} />
    </div>
  );
}
