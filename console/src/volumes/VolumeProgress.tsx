import ProgressBar from '@cloudscape-design/components/progress-bar';
import type { ReactNode } from 'react';
import type { VolumeWork } from '../api/types';
import { useText } from '../i18n/text';
import { percentOf } from './work';
import { useWorkText } from './WorkNote';

/** What a host does to a volume or a backup that takes its time, how far it is, when it will be done, and how it is given up, if it can be. What it is called can be told better by who knows more of it. */
export function VolumeProgress({ work, giveUp, label }: { work: VolumeWork; giveUp?: string | undefined; label?: string | undefined }): ReactNode {
  const t = useText();
  const text = useWorkText(work);
  const called = label ?? t.word('work', work.kind);
  return (
    <div data-testid="volume-work" data-kind={work.kind} data-percent={percentOf(work) ?? ''}>
      <ProgressBar label={called} value={percentOf(work) ?? 0} ariaLabel={called} additionalInfo={text} description={giveUp} />
    </div>
  );
}
