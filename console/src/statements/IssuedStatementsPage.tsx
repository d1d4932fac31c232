import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { IssuedStatement } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { useDebounced } from '../ui/useDebounced';
import { useFile } from '../ui/useFile';
import { issuedStatements } from './statements';

const isMonth = (text: string) => /^20\d\d-(0[1-9]|1[0-2])$/.test(text);

/** What the accounts of one's domains owed: invoices are written from it. */
export function IssuedStatementsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('issued-statements', ['id']);
  const [month, setMonth] = useState('');
  const [account, setAccount] = useState('');
  const { save, busy } = useFile();
  const rested = useDebounced(account.trim());
  // A month that is half typed is not asked for.
  const filters = { ...(isMonth(month) ? { month } : {}), ...(rested === '' ? {} : { account: rested }) };
  const pages = usePages<IssuedStatement>([issuedStatements.key, filters], look.pageSize, (page) => issuedStatements.list({ ...page, ...filters }));
  return (
    <Page trail={[{ text: t('statement.issuedTitle'), href: issuedStatements.path }]}>
      <ResourceTable<IssuedStatement>
        title={t('statement.issuedTitle')} description={t('statement.issuedAbout')} pages={pages} look={look} labelOf={(s) => s.id} empty={t('statement.issuedEmpty')}
        clearFilter={Object.keys(filters).length === 0 ? undefined : () => { setMonth(''); setAccount(''); }}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Input type="search" value={month} placeholder={t('statement.filterMonth')} ariaLabel={t('statement.filterMonth')} invalid={month !== '' && !isMonth(month)} onChange={(e) => setMonth(e.detail.value.trim())} />
            <Input type="search" value={account} placeholder={t('statement.filterAccount')} ariaLabel={t('statement.filterAccount')} onChange={(e) => setAccount(e.detail.value)} />
          </SpaceBetween>
        }
        columns={[
          { id: 'id', header: t('statement.number'), cell: (s) => <code>{s.id}</code>, width: 220 },
          { id: 'account', header: t('shell.account'), isRowHeader: true, cell: (s) => <RouteLink to={`${issuedStatements.path}/${s.id}`}>{s.account.name}</RouteLink>, width: 220 },
          { id: 'deleted', header: t('ui.state'), cell: (s) => (s.accountDeletedAt === null ? '-' : <Box color="text-body-secondary">{t('statement.accountDeleted', { time: format.dateTime(s.accountDeletedAt) })}</Box>), width: 270 },
          { id: 'month', header: t('statement.month'), cell: (s) => format.month(s.month), width: 140 },
          { id: 'total', header: t('statement.total'), cell: (s) => <span className="kumoi-figure" data-testid="issued-total" data-total={s.total}>{format.money(s.total, s.currency)}</span>, width: 180 },
          { id: 'issued', header: t('statement.issuedAt'), cell: (s) => format.dateTime(s.issuedAt), width: 235 },
        ]}
        actions={
          <Button iconName="download" loading={busy} disabled={!isMonth(month)} onClick={() => void save(`statements-${month}.csv`, () => issuedStatements.table(month))} data-testid="issued-csv">{t('statement.csv')}</Button>
        }
      />
    </Page>
  );
}
