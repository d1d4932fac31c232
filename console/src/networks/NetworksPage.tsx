import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Network } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { OfferedPeerings } from '../peerings/OfferedPeerings';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { isV6 } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateNetworkDialog } from './CreateNetworkDialog';
import { networks } from './networks';
import { kindText, outsideText } from './segment';

export function NetworksPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('networks', ['id']);
  const pages = usePages([networks.key], look.pageSize, networks.list);
  const [selected, select] = useState<Network[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="networks:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-network">{t('network.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('network.title'), href: '/networks' }]}>
      <SpaceBetween size="m">
        <OfferedPeerings />
        <ResourceTable
          title={t('network.title')} description={t('network.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(n) => n.name} empty={t('network.empty')} emptyAction={create}
          columns={[
            { id: 'name', header: t('ui.name'), cell: (n) => <RouteLink to={`/networks/${n.id}`}>{n.name}</RouteLink>, isRowHeader: true, width: 180 },
            { id: 'id', header: t('ui.id'), cell: (n) => <code>{n.id}</code>, width: 220 },
            { id: 'kind', header: t('network.kind'), cell: (n) => kindText(t, n), width: 230 },
          { id: 'subnets', header: t('network.subnets'), cell: (n) => n.subnets.map((s) => s.cidr).join(', ') || '-', width: 215 },
            { id: 'outside', header: t('network.outside'), cell: (n) => outsideText(t, n), width: 200 },
            { id: 'free', header: t('network.free'), cell: (n) => format.number(n.subnets.filter((s) => !isV6(s.cidr)).reduce((sum, s) => sum + s.freeAddresses, 0)), width: 200 },
            { id: 'created', header: t('ui.created'), cell: (n) => format.dateTime(n.createdAt), width: 235 },
          ]}
          actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('networks:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
        />
      </SpaceBetween>
      {dialog === 'create' && <CreateNetworkDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[networks.key]} remove={networks.remove} close={close} done={() => select([])} />}
    </Page>
  );
}
