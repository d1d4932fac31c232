import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useAccount } from '../session/permissions';
import { ShortTable } from '../ui/ShortTable';
import { useAmount } from './amounts';
import { quotaRequests } from './quotas';
import { RequestState } from './RequestState';

/** What the account asked for, and what became of it; the newest first. */
export function OwnRequests(): ReactNode {
  const t = useText();
  const format = useFormat();
  const amount = useAmount();
  const account = useAccount();
  const all = useAll([quotaRequests.key, 'own'], quotaRequests.list);
  const rows = all.data?.filter((r) => r.account.id === account).reverse();
  return (
    <ShortTable
      title={t('quota.ownRequests')} items={rows} error={all.error} empty={t('quota.ownRequestsEmpty')} labelOf={(r) => r.id}
      columns={[
        { id: 'resource', header: t('quota.resource'), isRowHeader: true, cell: (r) => t.word('quota.resource', r.resource) },
        { id: 'limit', header: t('quota.limitAsked'), cell: (r) => amount(r.resource, r.limit) },
        { id: 'state', header: t('ui.state'), cell: (r) => <RequestState state={r.state} /> },
        { id: 'reason', header: t('quota.reason'), cell: (r) => r.reason || '-' },
        { id: 'answer', header: t('quota.answer'), cell: (r) => (r.answeredBy === null ? '-' : `${r.answer === '' ? '' : `${r.answer} · `}${r.answeredBy}`) },
        { id: 'asked', header: t('quota.askedAt'), cell: (r) => `${format.dateTime(r.createdAt)} · ${r.askedBy}` },
      ]}
    />
  );
}
