import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { EventTable } from '../events/EventTable';
import { AssociateToDialog } from '../floating-addresses/AssociateDialog';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { WriteButton } from '../ui/WriteButton';
import { EditLoadBalancerDialog } from './EditLoadBalancerDialog';
import { ListenerTable } from './ListenerTable';
import { LoadBalancerOverview } from './LoadBalancerOverview';
import { loadBalancers, staleWithBalancers } from './loadBalancers';
import { MemberTable } from './MemberTable';

/** Health and figures are no events: they are read as often as somebody who watches a drain wants to see them. */
const watchMs = 5_000;

type Dialog = 'edit' | 'associate' | 'delete';

export function LoadBalancerPage(): ReactNode {
  const t = useText();
  const id = useParams()['id'] ?? '';
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const { data: balancer, error, isPending, refetch } = useQuery({ queryKey: [loadBalancers.key, 'one', id], queryFn: () => loadBalancers.get(id), refetchInterval: watchMs });
  const changed = () => void queries.invalidateQueries({ predicate: (q) => (staleWithBalancers as readonly string[]).includes(String(q.queryKey[0])) });
  const trail = [{ text: t('balancer.title'), href: '/load-balancers' }, { text: balancer?.name ?? id, href: `/load-balancers/${id}` }];
  if (isPending) return <Page trail={trail}><Loading /></Page>;
  if (balancer === undefined) return <Page trail={trail}><ProblemAlert failure={error} /></Page>;
  return (
    <Page trail={trail}>
      <SpaceBetween size="l">
        <Header
          variant="h1" description={<>{balancer.description !== '' && <>{balancer.description} · </>}<code>{balancer.id}</code></>}
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={() => void refetch()} />
              <WriteButton needs="load-balancers:write" onClick={() => setDialog('edit')} data-testid="balancer-edit">{t('network.editDo')}</WriteButton>
              <WriteButton needs="floating-addresses:write" onClick={() => setDialog('associate')} data-testid="balancer-associate">{t('balancer.associate')}</WriteButton>
              <WriteButton needs="load-balancers:write" onClick={() => setDialog('delete')} data-testid="balancer-delete">{t('ui.delete')}</WriteButton>
            </SpaceBetween>
          }
        >
          {balancer.name}
        </Header>
        <ProblemAlert failure={error} />
        <LoadBalancerOverview balancer={balancer} changed={changed} />
        <Tabs
          activeTabId={search.get('tab') ?? 'members'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            { id: 'members', label: t('balancer.tab.members'), content: <SpaceBetween size="l"><ListenerTable balancer={balancer} changed={changed} /><MemberTable balancer={balancer} changed={changed} /></SpaceBetween> },
            { id: 'events', label: t('instance.tab.events'), content: <EventTable within filters={{ resource: balancer.id }} /> },
          ].map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))}
        />
      </SpaceBetween>
      {dialog === 'edit' && <EditLoadBalancerDialog balancer={balancer} close={close} done={changed} />}
      {dialog === 'associate' && <AssociateToDialog target={{ id: balancer.id, name: balancer.name, network: balancer.network.id }} close={close} done={changed} />}
      {dialog === 'delete' && (
        <DeleteDialog
          items={[balancer]} stale={staleWithBalancers.filter((key) => key !== loadBalancers.key)} remove={loadBalancers.remove} close={close}
          done={() => {
            // Lists are read anew; what this page has read is not, since it is no more.
            queries.removeQueries({ queryKey: [loadBalancers.key], type: 'inactive' });
            void navigate('/load-balancers');
          }}
        >
          {t('balancer.deleteBody')}
        </DeleteDialog>
      )}
    </Page>
  );
}
