import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { usePages } from '../api/pages';
import type { Vpn } from '../api/types';
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
import { CreateVpnDialog } from './CreateVpnDialog';
import { staleWithVpns, vpns } from './vpns';
import { VpnState } from './VpnState';

export function VpnsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const look = useTableLook('vpns', ['id', 'created']);
  const pages = usePages([vpns.key], look.pageSize, vpns.list);
  const [selected, select] = useState<Vpn[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="vpns:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-vpn">{t('vpn.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('vpn.title'), href: '/vpns' }]}>
      <ResourceTable
        title={t('vpn.title')} description={t('vpn.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(v) => v.name} empty={t('vpn.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (v) => <RouteLink to={`/vpns/${v.id}`}>{v.name}</RouteLink>, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (v) => <code>{v.id}</code>, width: 220 },
          { id: 'network', header: t('instance.network'), cell: (v) => <ResourceLink {...v.network} />, width: 150 },
          { id: 'state', header: t('ui.state'), cell: (v) => <VpnState vpn={v} />, width: 190 },
          { id: 'address', header: t('vpn.endpointOwn'), cell: (v) => <code>{v.address}:{v.port}</code>, width: 200 },
          { id: 'ranges', header: t('vpn.ranges'), cell: (v) => v.clients.map((range) => <div key={range}><code>{range}</code></div>), width: 170 },
          { id: 'clients', header: t('vpn.clients'), cell: (v) => format.number(v.clientCount), width: 130 },
          { id: 'sites', header: t('vpn.sites'), cell: (v) => format.number(v.siteCount), width: 100 },
          { id: 'created', header: t('ui.created'), cell: (v) => format.dateTime(v.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('vpns:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && (
        <CreateVpnDialog
          close={close}
          created={(made) => {
            void queries.invalidateQueries({ predicate: (q) => (staleWithVpns as readonly string[]).includes(String(q.queryKey[0])) });
            void navigate(`/vpns/${made.id}`);
          }}
        />
      )}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={staleWithVpns} remove={vpns.remove} close={close} done={() => select([])}>{t('vpn.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
