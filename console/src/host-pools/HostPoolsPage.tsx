import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { HostPool } from '../api/types';
import { CapacityBar } from '../hosts/CapacityBar';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { HostPoolDialog } from './HostPoolDialog';
import { HostPoolFor } from './HostPoolFor';
import { hostPools, staleWithHostPools } from './hostPools';

export function HostPoolsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('host-pools', ['id', 'created']);
  const pages = usePages([hostPools.key], look.pageSize, hostPools.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((p) => chosen.includes(p.id));
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const may = { needs: 'host-pools:write', reach: 'cloud' } as const;
  return (
    <Page trail={[{ text: t('hostPool.title'), href: '/host-pools' }]}>
      <ResourceTable<HostPool>
        title={t('hostPool.title')} description={t('hostPool.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((p) => p.id))} labelOf={(p) => p.name} empty={t('hostPool.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (p) => <RouteLink to={`/host-pools/${p.id}`}>{p.name}</RouteLink>, width: 160 },
          { id: 'id', header: t('ui.id'), cell: (p) => <code>{p.id}</code>, width: 220 },
          { id: 'for', header: t('hostPool.for'), cell: (p) => <HostPoolFor pool={p} />, width: 200 },
          { id: 'hosts', header: t('hostPool.hosts'), cell: (p) => (p.hosts === null ? '-' : format.number(p.hosts)), width: 90 },
          { id: 'vcpus', header: t('host.vcpus'), cell: (p) => (p.capacity && p.allocated ? <CapacityBar used={p.allocated.vcpus} total={p.capacity.vcpus} show={format.number} label={t('host.vcpus')} /> : '-'), width: 120 },
          { id: 'memory', header: t('host.memory'), cell: (p) => (p.capacity && p.allocated ? <CapacityBar used={p.allocated.memoryMib} total={p.capacity.memoryMib} show={format.mib} label={t('host.memory')} /> : '-'), width: 160 },
          { id: 'cpu', header: t('hostPool.cpu'), cell: (p) => t('hostPool.times', { ratio: format.number(p.cpuOvercommit) }), width: 170 },
          { id: 'memoryTimes', header: t('hostPool.memory'), cell: (p) => t('hostPool.times', { ratio: format.quantity(p.memoryOvercommit) }), width: 180 },
          { id: 'description', header: t('ui.description'), cell: (p) => p.description || '-', width: 200 },
          { id: 'created', header: t('ui.created'), cell: (p) => format.dateTime(p.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0} onClick={() => setDialog('delete')} data-testid="host-pool-delete">{t('ui.delete')}</WriteButton>
            <WriteButton {...may} variant="primary" onClick={() => setDialog('create')} data-testid="create-host-pool">{t('hostPool.create')}</WriteButton>
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <HostPoolDialog pool={null} close={close} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={staleWithHostPools} remove={hostPools.remove} close={close} done={() => choose([])}>{t('hostPool.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
