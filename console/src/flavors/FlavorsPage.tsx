import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Flavor } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { name, violations, wholeNumber } from '../ui/rules';
import { useTableLook } from '../ui/tableLook';
import { tagLine } from '../ui/TagList';
import { checkTags, tagsOf, type Tag } from '../ui/tags';
import { PairsField } from '../ui/TagsField';
import { useForm } from '../ui/useForm';
import { flavors } from './flavors';

export function FlavorsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('flavors');
  const pages = usePages([flavors.key], look.pageSize, flavors.list);
  const [selected, select] = useState<Flavor[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <Page trail={[{ text: t('flavor.title'), href: '/flavors' }]}>
      <ResourceTable
        title={t('flavor.title')} description={t('flavor.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(f) => f.name} empty={t('flavor.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (f) => f.name, isRowHeader: true },
          { id: 'id', header: t('ui.id'), cell: (f) => <code>{f.id}</code> },
          { id: 'vcpus', header: t('flavor.vcpus'), cell: (f) => f.vcpus },
          { id: 'memory', header: t('flavor.memory'), cell: (f) => format.mib(f.memoryMib) },
          { id: 'disk', header: t('flavor.disk'), cell: (f) => format.gib(f.diskGib) },
          { id: 'labels', header: t('hostPool.required'), cell: (f) => tagLine(f.requiredLabels) },
          { id: 'created', header: t('ui.created'), cell: (f) => format.dateTime(f.createdAt) },
        ]}
        actions={may('flavors:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            <Button variant="primary" onClick={() => setDialog('create')}>{t('flavor.create')}</Button>
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <CreateFlavorDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[flavors.key]} remove={flavors.remove} close={close} done={() => select([])} />}
    </Page>
  );
}

function CreateFlavorDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', vcpus: '1', memoryMib: '1024', diskGib: '10', requiredLabels: [] as readonly Tag[] },
    check: (v) => [...checkTags(v.requiredLabels, 'requiredLabels'), ...violations(
      ['name', name(v.name)], ['vcpus', wholeNumber(v.vcpus, 1, 1024)], ['memoryMib', wholeNumber(v.memoryMib, 1, 2 ** 30)],
      ['diskGib', wholeNumber(v.diskGib, 1, 2 ** 20)])],
    send: (v) => flavors.create({ name: v.name, vcpus: Number(v.vcpus), memoryMib: Number(v.memoryMib), diskGib: Number(v.diskGib), requiredLabels: tagsOf(v.requiredLabels) }),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('flavor.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
      <TextField form={form} field="vcpus" label={t('flavor.vcpus')} inputMode="numeric" />
      <TextField form={form} field="memoryMib" label={t('flavor.memoryMib')} inputMode="numeric" />
      <TextField form={form} field="diskGib" label={t('flavor.diskGib')} inputMode="numeric" />
      <PairsField form={form} field="requiredLabels" label={t('hostPool.required')} description={t('hostPool.requiredHint')} addText={t('hostPool.addLabel')} testId="flavor-label" />
    </FormDialog>
  );
}
