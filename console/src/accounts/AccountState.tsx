import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

const looks = { active: 'success', suspended: 'warning', closed: 'stopped' } as const;

export function AccountState({ state, reason }: { state: string; reason: string }): ReactNode {
  const t = useText();
  return <span data-testid="account-state" data-state={state}><StatusIndicator type={looks[state as keyof typeof looks] ?? 'info'}>{t.word('account.state', state)}{reason === '' ? '' : `: ${reason}`}</StatusIndicator></span>;
}
