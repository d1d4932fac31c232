import type { ReactNode } from 'react';
import type { Backup } from '../api/types';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';
import { percentOf } from '../volumes/work';

export function BackupState({ backup: b }: { backup: Backup }): ReactNode {
  const t = useText();
  const look = b.state === 'failed' ? 'error' : b.conditions.length > 0 ? 'warning' : b.state === 'available' ? 'success' : 'loading';
  const percent = b.work === null ? null : percentOf(b.work);
  const text = t.word('backup.state', b.state) + (percent === null ? '' : ` (${percent} %)`);
  return <span data-testid="backup-state" data-state={b.state}><StateIndicator type={look} text={text} conditions={b.conditions} /></span>;
}
