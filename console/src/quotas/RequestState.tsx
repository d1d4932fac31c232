import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

const looks = { pending: 'pending', granted: 'success', refused: 'stopped' } as const;

export function RequestState({ state }: { state: string }): ReactNode {
  const t = useText();
  return <span data-testid="request-state" data-state={state}><StatusIndicator type={looks[state as keyof typeof looks] ?? 'info'}>{t.word('quota.state', state)}</StatusIndicator></span>;
}
