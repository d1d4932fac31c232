import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs } from '../api/pages';
import { useStale } from '../api/stale';
import type { Tariff, TariffPrice } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { AssignDialog } from './AssignDialog';
import { EndPriceDialog, SetPriceDialog } from './PriceDialogs';
import { PriceTable, useTerms } from './PriceTable';
import { staleWithTariffs, tariffs } from './tariffs';

type Dialog = { kind: 'assign' } | { kind: 'set'; price: TariffPrice | undefined } | { kind: 'end'; price: TariffPrice };

/** A tariff: its prices, and who has it. */
export function TariffPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const terms = useTerms();
  const stale = useStale();
  const queries = useQueryClient();
  const id = useParams()['id'] ?? '';
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const { data: x, error, isPending, refetch } = useQuery({ queryKey: [tariffs.key, 'one', id], queryFn: () => tariffs.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('tariff.title'), href: '/tariffs' }, { text: x?.name ?? id, href: `/tariffs/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (x === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const close = () => setDialog(null);
  const done = (now: Tariff) => {
    queries.setQueryData([tariffs.key, 'one', id], now);
    stale(staleWithTariffs);
  };
  const may = { needs: 'tariffs:write', reach: 'cloud' } as const;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header variant="h1" description={x.description || <code>{x.id}</code>} actions={<Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />}>{x.name}</Header>
        <ProblemAlert failure={error} />
        <Container header={<Header variant="h2">{t('ui.overview')}</Header>}><KeyValuePairs columns={4} minColumnWidth={160} items={[...terms(x), { label: t('ui.created'), value: format.dateTime(x.createdAt) }]} /></Container>
        <Container>
          <PriceTable
            of={x}
            actions={(chosen) => [
              <WriteButton key="end" {...may} disabled={chosen === undefined} onClick={() => chosen && setDialog({ kind: 'end', price: chosen })} data-testid="price-end">{t('tariff.endPrice')}</WriteButton>,
              <WriteButton key="set" {...may} variant="primary" onClick={() => setDialog({ kind: 'set', price: chosen })} data-testid="price-set">{t('tariff.setPrice')}</WriteButton>,
            ]}
          />
        </Container>
        <Container>
          <ShortTable
            title={t('tariff.assignments')} items={x.assignments?.map((a) => ({ ...a, id: `${a.scopeType} ${a.scope?.id ?? ''} ${a.month}` })).sort((a, b) => b.month.localeCompare(a.month))} empty={t('tariff.assignmentsEmpty')} labelOf={(a) => a.id}
            actions={[<WriteButton key="assign" {...may} variant="primary" onClick={() => setDialog({ kind: 'assign' })} data-testid="tariff-assign">{t('tariff.assign')}</WriteButton>]}
            columns={[
              { id: 'type', header: t('tariff.scope'), isRowHeader: true, minWidth: 180, cell: (a) => <span data-testid="assignment" data-scope={a.scopeType}>{t.word('tariff.scope', a.scopeType)}</span> },
              { id: 'scope', header: t('ui.name'), minWidth: 180, cell: (a) => (a.scope === null ? '-' : <ResourceLink {...a.scope} />) },
              { id: 'month', header: t('tariff.month'), minWidth: 160, cell: (a) => format.month(a.month) },
            ]}
          />
        </Container>
      </SpaceBetween>
      {dialog?.kind === 'assign' && <AssignDialog of={x} done={done} close={close} />}
      {dialog?.kind === 'set' && <SetPriceDialog of={x} from={dialog.price} done={done} close={close} />}
      {dialog?.kind === 'end' && <EndPriceDialog of={x} price={dialog.price} done={done} close={close} />}
    </Page>
  );
}
