import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { resyncMs, usePages } from '../api/pages';
import type { Subnet } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateSubnetDialog } from './CreateNetworkDialog';
import { networks, subnets } from './networks';

export function NetworkPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const network = useQuery({ queryKey: [networks.key, 'one', id], queryFn: () => networks.get(id), refetchInterval: resyncMs });
  const look = useTableLook('subnets');
  const pages = usePages([subnets.key, id], look.pageSize, (page) => subnets.list({ ...page, network: id }));
  const [selected, select] = useState<Subnet[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const trail = [{ text: t('network.title'), href: '/networks' }, { text: network.data?.name ?? id, href: `/networks/${id}` }];
  if (network.isError) return <Page trail={trail}><ProblemAlert failure={network.error} /></Page>;
  const create = <WriteButton variant="primary" onClick={() => setDialog('create')}>{t('network.createSubnet')}</WriteButton>;
  return (
    <Page trail={trail}>
      <ResourceTable
        title={network.data?.name ?? ''} description={<code>{id}</code>} pages={pages} look={look} selected={selected} select={select} labelOf={(s) => s.name} empty={t('network.subnetsEmpty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('instance.subnet'), cell: (s) => s.name, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 250 },
          { id: 'cidr', header: t('network.cidr'), cell: (s) => <code>{s.cidr}</code>, width: 170 },
          { id: 'gateway', header: t('network.gateway'), cell: (s) => <code>{s.gateway}</code>, width: 140 },
          { id: 'dns', header: t('network.dns'), cell: (s) => s.dnsServers.join(', ') || t('network.dnsGateway'), width: 180 },
          { id: 'free', header: t('network.free'), cell: (s) => format.number(s.freeAddresses), width: 150 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may.write} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateSubnetDialog network={id} close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[subnets.key, networks.key]} remove={subnets.remove} close={close} done={() => select([])} />}
    </Page>
  );
}
