import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Network, Subnet } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { isV6 } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { networks, subnets } from './networks';
import { dhcpIsOutside } from './segment';
import { CreateSubnetDialog, EditSubnetDialog } from './SubnetDialogs';

export function SubnetsTab({ network }: { network: Network }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('subnets', ['id', 'created']);
  const pages = usePages([subnets.key, network.id], look.pageSize, (page) => subnets.list({ ...page, network: network.id }));
  const [selected, select] = useState<Subnet[]>([]);
  const [dialog, setDialog] = useState<'create' | 'edit' | 'delete' | null>(null);
  const only = selected.length === 1 ? pages.items.find((s) => s.id === selected[0]?.id) : undefined;
  const spans = (list: readonly string[] | null | undefined) => (list?.length ? list.map((span) => <div key={span}><code>{span}</code></div>) : '-');
  const close = () => setDialog(null);
  const create = <WriteButton needs="subnets:write" onClick={() => setDialog('create')} data-testid="create-subnet">{t('network.createSubnet')}</WriteButton>;
  return (
    <>
      <ResourceTable
        within title={t('network.subnets')} pages={pages} look={look} selected={selected} select={select} labelOf={(s) => s.name} empty={t('network.subnetsEmpty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => s.name, isRowHeader: true, width: 160 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 250 },
          { id: 'cidr', header: t('network.cidr'), cell: (s) => <code>{s.cidr}</code>, width: 160 },
          { id: 'gateway', header: t('network.gateway'), cell: (s) => <code>{s.gateway}</code>, width: 150 },
          // A /64 has more addresses than anybody wants to read.
          { id: 'free', header: t('network.freeAny'), cell: (s) => (isV6(s.cidr) ? t('network.freePlenty') : format.number(s.freeAddresses)), width: 165 },
          { id: 'range', header: t('network.range'), cell: (s) => (s.range ? <code>{s.range}</code> : t('network.rangeWhole')), width: 265 },
          { id: 'reserved', header: t('network.reserved'), cell: (s) => spans(s.reserved), width: 240 },
          { id: 'excluded', header: t('network.excluded'), cell: (s) => spans(s.excluded), width: 240 },
          { id: 'dns', header: t('network.dns'), cell: (s) => (dhcpIsOutside(network.segment) ? '-' : s.dnsServers.join(', ') || t('network.dnsGateway')), width: 150 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('subnets:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button><WriteButton needs="subnets:write" disabled={only === undefined} onClick={() => setDialog('edit')} data-testid="edit-subnet">{t('network.spaceEdit')}</WriteButton>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateSubnetDialog network={network} close={close} done={pages.refresh} />}
      {dialog === 'edit' && only && <EditSubnetDialog subnet={only} close={close} done={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[subnets.key, networks.key]} remove={subnets.remove} close={close} done={() => select([])} />}
    </>
  );
}
