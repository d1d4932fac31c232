import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { usePages } from '../api/pages';
import type { LoadBalancer } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { HealthCount } from './Health';
import { balancerAddresses, listenerName, loadBalancers, membersOf, staleWithBalancers } from './loadBalancers';

export function LoadBalancersPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const look = useTableLook('load-balancers', ['id', 'description', 'created']);
  const pages = usePages([loadBalancers.key], look.pageSize, loadBalancers.list);
  const [selected, select] = useState<LoadBalancer[]>([]);
  const [deleting, setDeleting] = useState(false);
  const create = <WriteButton needs="load-balancers:write" variant="primary" onClick={() => void navigate('/load-balancers/create')} data-testid="create-balancer">{t('balancer.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('balancer.title'), href: '/load-balancers' }]}>
      <ResourceTable
        title={t('balancer.title')} description={t('balancer.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(b) => b.name} empty={t('balancer.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (b) => <RouteLink to={`/load-balancers/${b.id}`}>{b.name}</RouteLink>, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (b) => <code>{b.id}</code>, width: 220 },
          { id: 'network', header: t('instance.network'), cell: (b) => <ResourceLink {...b.network} />, width: 150 },
          { id: 'address', header: t('instance.address'), cell: (b) => balancerAddresses(b).map((a) => <div key={a}><code className="kumoi-whole">{a}</code></div>), width: 170 },
          { id: 'floating', header: t('instance.floatingAddress'), cell: (b) => (b.floatingAddresses.length === 0 ? '-' : b.floatingAddresses.map((a) => <div key={a}><code>{a}</code></div>)), width: 210 },
          { id: 'listeners', header: t('balancer.listeners'), cell: (b) => b.listeners.map(listenerName).join(', ') || '-', width: 190 },
          { id: 'health', header: t('balancer.members'), cell: (b) => <HealthCount members={membersOf(b)} />, width: 190 },
          { id: 'description', header: t('ui.description'), cell: (b) => b.description || '-', width: 200 },
          { id: 'created', header: t('ui.created'), cell: (b) => format.dateTime(b.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('load-balancers:write')} onClick={() => setDeleting(true)}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {deleting && (
        <DeleteDialog items={selected} stale={staleWithBalancers} remove={loadBalancers.remove} close={() => setDeleting(false)} done={() => select([])}>{t('balancer.deleteBody')}</DeleteDialog>
      )}
    </Page>
  );
}
