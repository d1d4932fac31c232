import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { NetworkRoute } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { address, cidr, violations } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { routes } from './networks';

export function RoutesTab({ network }: { network: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('routes');
  const pages = usePages([routes.key, network], look.pageSize, (page) => routes.list(network, page));
  const [selected, select] = useState<NetworkRoute[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="networks:write" onClick={() => setDialog('create')} data-testid="create-route">{t('route.create')}</WriteButton>;
  return (
    <>
      <ResourceTable
        within title={t('route.title')} description={t('route.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(r) => r.destination} empty={t('route.empty')} emptyAction={create}
        columns={[
          { id: 'destination', header: t('route.destination'), cell: (r) => <code>{r.destination}</code>, isRowHeader: true, width: 220 },
          { id: 'via', header: t('route.via'), cell: (r) => <code>{r.via}</code>, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (r) => <code>{r.id}</code>, width: 250 },
          { id: 'created', header: t('ui.created'), cell: (r) => format.dateTime(r.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('networks:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateRouteDialog network={network} close={close} created={pages.refresh} />}
      {dialog === 'delete' && (
        <DeleteDialog items={selected.map((r) => ({ id: r.id, name: r.destination }))} stale={[routes.key]} remove={(id) => routes.remove(network, id)} close={close} done={() => select([])} />
      )}
    </>
  );
}

function CreateRouteDialog({ network, close, created }: { network: string; close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { destination: '', via: '' }, check: (v) => violations(['destination', cidr(v.destination)], ['via', address(v.via)]), send: (v) => routes.create(network, v),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('route.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="destination" label={t('route.destination')} description={t('route.destinationHint')} placeholder="172.16.0.0/16" autoFocus />
      <TextField form={form} field="via" label={t('route.via')} description={t('route.viaHint')} placeholder="10.1.0.5" />
    </FormDialog>
  );
}
