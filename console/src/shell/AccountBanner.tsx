import Alert from '@cloudscape-design/components/alert';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { useStore } from '../ui/store';

/** Says that the account acted for stands still, and why. */
export function AccountBanner(): ReactNode {
  const t = useText();
  const { self } = useStore(session);
  if (self === null || self.actingFor.state === 'active') return null;
  const { name, state, stateReason } = self.actingFor;
  return (
    <div data-testid="account-banner" data-state={state}>
      <Alert type="warning" header={t(state === 'closed' ? 'session.closed' : 'session.suspended', { name })}>
        {stateReason !== '' && <div>{t('session.reason', { reason: stateReason })}</div>}
        {t(state === 'closed' ? 'session.closedHint' : 'session.suspendedHint')}
      </Alert>
    </div>
  );
}
