import Box from '@cloudscape-design/components/box';
import Link from '@cloudscape-design/components/link';
import Modal from '@cloudscape-design/components/modal';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useState, type ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { AccountState } from '../accounts/AccountState';
import { useAll } from '../api/pages';
import type { Self } from '../api/types';
import { useText } from '../i18n/text';
import { useSwitch } from '../session/useSwitch';
import { ProblemAlert } from '../ui/ProblemAlert';
import { candidates, matching, type Candidate } from './switcher';

/** So many are found at a glance; whoever has more searches. */
const shownMax = 100;

/** All accounts that one may act for, to search in: those of one's memberships, and those of one's domains. */
export function AccountSwitcher({ self, close }: { self: Self; close: () => void }): ReactNode {
  const t = useText();
  const switchTo = useSwitch();
  const all = useAll([accounts.key], accounts.list);
  const [text, setText] = useState('');
  const found = matching(candidates(self, all.data ?? []), text);
  const choose = (c: Candidate) => { close(); switchTo(c); };
  return (
    <Modal visible header={t('shell.switchTitle')} size="large" onDismiss={close} closeAriaLabel={t('ui.close')} data-testid="account-switcher">
      <ProblemAlert failure={all.error} />
      <Table<Candidate>
        variant="borderless" trackBy="id" items={found.slice(0, shownMax)} loading={all.isPending} loadingText={t('ui.loading')} contentDensity="compact" wrapLines
        ariaLabels={{ tableLabel: t('shell.switchTitle') }} empty={<Box textAlign="center" color="text-body-secondary">{t('ui.noMatch')}</Box>}
        filter={<TextFilter filteringText={text} filteringPlaceholder={t('shell.switchFind')} filteringAriaLabel={t('shell.switchFind')} filteringClearAriaLabel={t('ui.clearFilter')} countText={all.isPending ? '' : t('shell.switchCount', { count: found.length })} onChange={(e) => setText(e.detail.filteringText)} />}
        columnDefinitions={[
          { id: 'name', header: t('account.one'), isRowHeader: true, cell: (c) => (c.id === self.actingFor.id ? <b>{c.name}</b> : <Link href="#" onFollow={(e) => { e.preventDefault(); choose(c); }} data-testid="switch-to">{c.name}</Link>) },
          { id: 'domain', header: t('account.domain'), cell: (c) => c.domain ?? '-' },
          { id: 'why', header: t('shell.switchWhy'), cell: (c) => (c.id === self.account.id ? t('shell.switchOwn') : c.role ?? t('shell.switchByDomain')) },
          { id: 'state', header: t('ui.state'), cell: (c) => (c.id === self.actingFor.id ? <StatusIndicator type="success">{t('shell.switchNow')}</StatusIndicator> : c.state === null ? '-' : <AccountState state={c.state} reason="" />) },
        ]}
      />
    </Modal>
  );
}
