import type { ReactNode } from 'react';
import type { Snapshot } from '../api/types';
import { useText } from '../i18n/text';
import { StateIndicator } from '../ui/StateIndicator';

export function SnapshotState({ snapshot: s }: { snapshot: Snapshot }): ReactNode {
  const t = useText();
  const look = s.conditions.length > 0 ? 'warning' : s.state === 'available' ? 'success' : 'loading';
  return <span data-testid="snapshot-state" data-state={s.state}><StateIndicator type={look} text={t.word('snapshot.state', s.state)} conditions={s.conditions} /></span>;
}
