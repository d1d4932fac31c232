import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { BillingStatement } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useFile } from '../ui/useFile';
import { LineTable } from './LineTable';
import { PrintDialog } from './PrintDialog';
import { issuedStatements, statements, type Source } from './statements';
import { StatementState } from './StatementsPage';

/** A statement of the account that is acted for. */
export function StatementPage(): ReactNode {
  return <Statement from={statements} which={useParams()['month'] ?? 'current'} own />;
}

/** An issued statement of any account of one's domains. */
export function IssuedStatementPage(): ReactNode {
  return <Statement from={issuedStatements} which={useParams()['id'] ?? ''} own={false} />;
}

function Statement({ from, which, own }: { from: Source; which: string; own: boolean }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [printing, setPrinting] = useState(false);
  const { save, busy } = useFile();
  const { data: s, error, isPending, refetch } = useQuery({ queryKey: [from.key, 'one', which], queryFn: () => from.get(which), refetchInterval: ({ state }) => (state.data?.state === 'issued' ? false : resyncMs) });
  const title = s === undefined ? which : own ? t('statement.of', { month: format.month(s.month) }) : t('statement.ofAccount', { account: s.account.name, month: format.month(s.month) });
  const trail = [{ text: own ? t('statement.title') : t('statement.issuedTitle'), href: from.path }, { text: title, href: `${from.path}/${which}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (s === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <Button iconName="download" loading={busy} onClick={() => void save(`statement-${s.account.name}-${s.month}.csv`, () => from.csv(which))} data-testid="statement-csv">{t('statement.csv')}</Button>
              <Button variant="primary" onClick={() => setPrinting(true)} data-testid="statement-print">{t('statement.print')}</Button>
            </SpaceBetween>
          }
        >
          {title}
        </Header>
        <ProblemAlert failure={error} />
        {s.state === 'open' && <Alert type="info">{t('statement.openHint')}</Alert>}
        <Overview of={s} />
        <Container><LineTable of={s} lines={s.lines} title={t('statement.lines')} priced traced={own} empty={t('statement.linesEmpty')} footer={<Sum of={s} />} /></Container>
        {s.unpriced.length > 0 && <Container><LineTable of={s} lines={s.unpriced} title={t('statement.unpriced')} description={t('statement.unpricedAbout')} priced={false} traced={own} empty="" /></Container>}
      </SpaceBetween>
      {printing && <PrintDialog from={from} which={which} title={title} close={() => setPrinting(false)} />}
    </Page>
  );
}

function Overview({ of: s }: { of: BillingStatement }): ReactNode {
  const t = useText();
  const format = useFormat();
  const last = new Date(Date.parse(s.until) - 1000).toISOString();
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={4} minColumnWidth={190}
        items={[
          { label: t('statement.total'), value: <b className="kumoi-figure">{format.money(s.total, s.currency)}</b> },
          { label: t('ui.state'), value: <StatementState state={s.state} /> },
          { label: t('shell.account'), value: s.account.name },
          { label: t('statement.tariff'), value: s.tariff.name },
          { label: t('statement.period'), value: `${format.dateIn(s.since, s.timeZone)} – ${format.dateIn(last, s.timeZone)} (${s.timeZone})` },
          s.issuedAt === null ? { label: t('statement.computed'), value: format.dateTime(s.computedUntil) } : { label: t('statement.issuedAt'), value: format.dateTime(s.issuedAt) },
          ...(s.id === null ? [] : [{ label: t('statement.number'), value: <code>{s.id}</code> }]),
        ]}
      />
    </Container>
  );
}

function Sum({ of: s }: { of: BillingStatement }): ReactNode {
  const t = useText();
  const format = useFormat();
  return (
    <table className="kumoi-sum">
      <tbody>
        <tr><th scope="row">{t('statement.subtotal')}</th><td>{format.money(s.subtotal, s.currency)}</td></tr>
        <tr><th scope="row">{t('statement.tax', { percent: format.quantity(s.taxPercent) })}</th><td>{format.money(s.tax, s.currency)}</td></tr>
        <tr><th scope="row">{t('statement.total')}</th><td data-testid="statement-sum" data-total={s.total}>{format.money(s.total, s.currency)}</td></tr>
      </tbody>
    </table>
  );
}
