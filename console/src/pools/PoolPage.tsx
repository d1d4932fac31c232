import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Pool } from '../api/types';
import { EventTable } from '../events/EventTable';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { Loading } from '../ui/Loading';
import { notify } from '../ui/notices';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { DrainPoolDialog } from './DrainPoolDialog';
import { EditPoolDialog } from './EditPoolDialog';
import { PoolDrainTable } from './PoolDrainTable';
import { pools } from './pools';
import { PoolState } from './PoolState';
import { StoreTable } from './StoreTable';

export function PoolPage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [editing, setEditing] = useState(false);
  const [draining, setDraining] = useState(false);
  const { data: pool, error, isPending, refetch } = useQuery({ queryKey: [pools.key, 'one', id], queryFn: () => pools.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('pool.title'), href: '/pools' }, { text: pool?.name ?? id, href: `/pools/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (pool === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  const changed = (now: Pool) => {
    queries.setQueryData([pools.key, 'one', id], now);
    void queries.invalidateQueries({ queryKey: [pools.key] });
    notify({ type: 'success', saying: { key: 'pool.saved', values: { name: now.name } } });
  };
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{pool.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              {may('pools:write', 'cloud') && <WriteButton needs="pools:write" reach="cloud" onClick={() => setDraining(true)} data-testid="drain-volume-pool">{t('pool.drain')}</WriteButton>}
              {may('pools:write', 'cloud') && <WriteButton needs="pools:write" reach="cloud" onClick={() => setEditing(true)} data-testid="edit-volume-pool">{t('pool.edit')}</WriteButton>}
            </SpaceBetween>
          }
        >
          {pool.name}
        </Header>
        <ProblemAlert failure={error} />
        <Overview pool={pool} />
        {pool.drain && <PoolDrainTable drain={pool.drain} />}
        {pool.stores !== null && (
          <Tabs
            activeTabId={search.get('tab') ?? 'stores'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
            tabs={[
              { id: 'stores', label: t('pool.stores'), content: <StoreTable pool={pool} stores={pool.stores} /> },
              { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: pool.id }} /> },
            ].map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
          />
        )}
      </SpaceBetween>
      {draining && <DrainPoolDialog pool={pool} close={() => setDraining(false)} done={(now) => { queries.setQueryData([pools.key, 'one', id], now); void queries.invalidateQueries({ queryKey: [pools.key] }); }} />}
      {editing && <EditPoolDialog pool={pool} close={() => setEditing(false)} done={changed} />}
    </Page>
  );
}

function Overview({ pool: p }: { pool: Pool }): ReactNode {
  const t = useText();
  const format = useFormat();
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={3} minColumnWidth={220}
        items={[
          { label: t('ui.state'), value: <PoolState pool={p} /> },
          { label: t('pool.shared'), value: t(`pool.shared.${p.shared ? 'yes' : 'no'}`) },
          { label: t('pool.defaultLabel'), value: t(p.default ? 'ui.yes' : 'ui.no') },
          { label: t('pool.overcommit'), value: t('pool.overcommitTimes', { ratio: p.overcommit }) },
          { label: t('pool.warn'), value: t('pool.warnFrom', { percent: format.percent(p.warnPercent, 100) }) },
          { label: t('pool.protocol'), value: t.word('pool.protocol', p.protocol) },
          // Who else may use a pool is told to operators only, who are told of its stores, too.
          ...(p.stores === null ? [] : [{ label: t('account.title'), value: p.accounts?.map((a) => a.name).join(', ') ?? t('account.all') }]),
          { label: t('pool.driver'), value: t.word('pool.driver', p.driver) },
          { label: t('ui.created'), value: format.dateTime(p.createdAt) },
        ]}
      />
    </Container>
  );
}
