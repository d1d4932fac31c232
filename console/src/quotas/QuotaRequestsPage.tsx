import Button from '@cloudscape-design/components/button';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages } from '../api/pages';
import type { QuotaRequest } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { useAmount } from './amounts';
import { AnswerDialog } from './AnswerDialog';
import { quotaRequests } from './quotas';
import { RequestState } from './RequestState';

const states = ['pending', 'granted', 'refused'] as const;

/** What accounts of one's domains ask for, to be answered. */
export function QuotaRequestsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const amount = useAmount();
  const [search, setSearch] = useSearchParams();
  const state = search.get('state') ?? 'pending';
  const look = useTableLook('quota-requests', ['id']);
  const pages = usePages([quotaRequests.key, 'asked', state], look.pageSize, (page) => quotaRequests.list(state === 'all' ? page : { ...page, state }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const [answering, answer] = useState<{ grant: boolean; request: QuotaRequest } | null>(null);
  const selected = pages.items.filter((r) => chosen.includes(r.id));
  const [only] = selected.length === 1 ? selected : [];
  const options = ['all', ...states].map((s) => ({ value: s, label: s === 'all' ? t('instance.anyState') : t.word('quota.state', s) }));
  return (
    <Page trail={[{ text: t('quota.requests'), href: '/quota-requests' }]}>
      <ResourceTable
        title={t('quota.requests')} description={t('quota.requestsAbout')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((r) => r.id))} labelOf={(r) => r.id}
        empty={state === 'pending' ? t('quota.requestsNonePending') : t('quota.requestsEmpty')}
        filter={<SpaceBetween direction="horizontal" size="xs"><Select selectedOption={options.find((o) => o.value === state) ?? null} options={options} ariaLabel={t('ui.state')} onChange={(e) => setSearch({ state: e.detail.selectedOption.value ?? 'all' }, { replace: true })} data-testid="requests-state" /></SpaceBetween>}
        columns={[
          { id: 'account', header: t('account.one'), isRowHeader: true, width: 190, cell: (r) => <ResourceLink {...r.account} /> },
          { id: 'id', header: t('ui.id'), cell: (r) => <code>{r.id}</code>, width: 230 },
          { id: 'resource', header: t('quota.resource'), cell: (r) => t.word('quota.resource', r.resource), width: 190 },
          { id: 'limit', header: t('quota.limitAsked'), cell: (r) => amount(r.resource, r.limit), width: 170 },
          { id: 'reason', header: t('quota.reason'), cell: (r) => r.reason || '-', width: 280 },
          { id: 'state', header: t('ui.state'), cell: (r) => <RequestState state={r.state} />, width: 150 },
          { id: 'asked', header: t('quota.askedAt'), cell: (r) => `${format.dateTime(r.createdAt)} · ${r.askedBy}`, width: 280 },
          { id: 'answer', header: t('quota.answer'), cell: (r) => (r.answeredBy === null ? '-' : `${r.answer === '' ? '' : `${r.answer} · `}${r.answeredBy}`), width: 260 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={only?.state !== 'pending'} onClick={() => only && answer({ grant: false, request: only })} data-testid="request-refuse">{t('quota.refuse')}</Button>
            <Button variant="primary" disabled={only?.state !== 'pending'} onClick={() => only && answer({ grant: true, request: only })} data-testid="request-grant">{t('quota.grant')}</Button>
          </SpaceBetween>
        }
      />
      {answering !== null && <AnswerDialog {...answering} close={() => answer(null)} />}
    </Page>
  );
}
