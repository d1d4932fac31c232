import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Zone } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { name, violations } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { useForm } from '../ui/useForm';
import { zones } from './zones';

export function ZonesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('zones');
  const pages = usePages([zones.key], look.pageSize, zones.list);
  const [selected, select] = useState<Zone[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page trail={[{ text: t('zone.title'), href: '/zones' }]}>
      <ResourceTable
        title={t('zone.title')} description={t('zone.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(z) => z.name} empty={t('zone.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (z) => z.name, isRowHeader: true },
          { id: 'id', header: t('ui.id'), cell: (z) => <code>{z.id}</code> },
          { id: 'created', header: t('ui.created'), cell: (z) => format.dateTime(z.createdAt) },
        ]}
        actions={may('zones:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            <Button variant="primary" onClick={() => setDialog('create')}>{t('zone.create')}</Button>
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <CreateZoneDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[zones.key]} remove={zones.remove} close={close} done={() => select([])} />}
    </Page>
  );
}

function CreateZoneDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '' }, check: (v) => violations(['name', name(v.name)]), send: zones.create,
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('zone.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
    </FormDialog>
  );
}
