import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import type { StatementSummary } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useStore } from '../ui/store';
import { useTableLook } from '../ui/tableLook';
import { usePart } from '../ui/usePart';
import { statements } from './statements';

/** The open month and those that were issued. */
export function StatementsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const { self } = useStore(session);
  const look = useTableLook('statements');
  const read = useQuery({ queryKey: [statements.key], queryFn: statements.list, refetchInterval: resyncMs });
  const pages = usePart<StatementSummary & { id: string }>({ ...read, data: read.data?.items.map((s) => ({ ...s, id: s.month })) }, look.pageSize, '', () => true);
  return (
    <Page trail={[{ text: t('statement.title'), href: '/statements' }]}>
      <ResourceTable
        title={t('statement.title')} description={t('statement.about', { name: self?.actingFor.name ?? '' })} pages={pages} look={look} labelOf={(s) => s.month} empty={t('statement.empty')} emptyHint={t('statement.emptyHint')}
        columns={[
          { id: 'month', header: t('statement.month'), isRowHeader: true, cell: (s) => <RouteLink to={`/statements/${s.month}`}>{format.month(s.month)}</RouteLink>, width: 200 },
          { id: 'state', header: t('ui.state'), cell: (s) => <StatementState state={s.state} />, width: 150 },
          { id: 'total', header: t('statement.total'), cell: (s) => <span className="kumoi-figure" data-testid="statement-total" data-total={s.total}>{format.money(s.total, s.currency)}</span>, width: 180 },
          { id: 'issued', header: t('statement.issuedAt'), cell: (s) => (s.issuedAt === null ? '-' : format.dateTime(s.issuedAt)), width: 235 },
        ]}
      />
    </Page>
  );
}

export function StatementState({ state }: { state: string }): ReactNode {
  const t = useText();
  return <span data-testid="statement-state" data-state={state}><StatusIndicator type={state === 'issued' ? 'success' : 'in-progress'}>{t.word('statement.state', state)}</StatusIndicator></span>;
}
