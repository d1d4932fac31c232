import type { ReactNode } from 'react';
import type { Backup } from '../api/types';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';
import { WorkNote } from '../volumes/WorkNote';
import { percentOf } from '../volumes/work';

/** The state of a backup, and how far what is done to it is. */
export function BackupState({ backup: b }: { backup: Backup }): ReactNode {
  const t = useText();
  const look = b.state === 'failed' ? 'error' : b.conditions.length > 0 ? 'warning' : b.state === 'available' ? 'success' : 'loading';
  const percent = b.work === null ? null : percentOf(b.work);
  const text = t.word('backup.state', b.state) + (percent === null ? '' : ` (${percent} %)`);
  return (
    <div data-testid="backup-state" data-state={b.state} data-percent={percent ?? ''}>
      <StateIndicator type={look} text={text} conditions={b.conditions} />
      {b.work !== null && <WorkNote work={b.work} />}
    </div>
  );
}
