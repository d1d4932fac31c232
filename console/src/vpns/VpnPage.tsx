import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { resyncMs } from '../api/pages';
import type { Vpn } from '../api/types';
import { EventTable } from '../events/EventTable';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Copy } from '../ui/Copy';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { ResourceLink } from '../ui/ResourceLink';
import { WriteButton } from '../ui/WriteButton';
import { ClientsTab } from './ClientsTab';
import { SitesTab } from './SitesTab';
import { staleWithVpns, vpns } from './vpns';
import { VpnState } from './VpnState';

export function VpnPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [deleting, setDeleting] = useState(false);
  const { data: vpn, error, isPending, refetch } = useQuery({ queryKey: [vpns.key, 'one', id], queryFn: () => vpns.get(id), refetchInterval: resyncMs });
  const trail = [{ text: t('vpn.title'), href: '/vpns' }, { text: vpn?.name ?? id, href: `/vpns/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (vpn === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<code>{vpn.id}</code>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="vpns:write" onClick={() => setDeleting(true)} data-testid="vpn-delete">{t('ui.delete')}</WriteButton>
            </SpaceBetween>
          }
        >
          {vpn.name}
        </Header>
        <ProblemAlert failure={error} />
        {vpn.state === 'no-host' && <Alert type="info">{t('vpn.noHost')}</Alert>}
        <Overview vpn={vpn} />
        <Tabs
          activeTabId={search.get('tab') ?? 'clients'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'clients', label: t('vpn.clients'), content: <ClientsTab vpn={vpn} /> },
            { id: 'sites', label: t('vpn.sites'), content: <SitesTab vpn={vpn} /> },
            { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: vpn.id }} /> },
          ].map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {deleting && (
        <DeleteDialog
          items={[vpn]} stale={staleWithVpns.filter((key) => key !== vpns.key)} remove={vpns.remove} close={() => setDeleting(false)}
          done={() => {
            // Lists are read anew; what this page has read is not, since it is no more.
            queries.removeQueries({ queryKey: [vpns.key], type: 'inactive' });
            void navigate('/vpns');
          }}
        >
          {t('vpn.deleteBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}

function Overview({ vpn: v }: { vpn: Vpn }): ReactNode {
  const t = useText();
  const format = useFormat();
  return (
    <Container header={<Header variant="h2">{t('ui.overview')}</Header>}>
      <KeyValuePairs
        columns={3} minColumnWidth={220}
        items={[
          { label: t('ui.state'), value: <VpnState vpn={v} /> },
          { label: t('instance.network'), value: <ResourceLink {...v.network} /> },
          { label: t('vpn.endpointOwn'), value: <Copy text={`${v.address}:${v.port}`} /> },
          { label: t('vpn.ranges'), value: v.clients.map((range) => <div key={range}><code>{range}</code></div>) },
          { label: t('vpn.publicKey'), value: <Copy text={v.publicKey} /> },
          { label: t('ui.created'), value: format.dateTime(v.createdAt) },
        ]}
      />
    </Container>
  );
}
