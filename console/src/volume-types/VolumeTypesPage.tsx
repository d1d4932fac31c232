import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { VolumeType } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateVolumeTypeDialog } from './CreateVolumeTypeDialog';
import { volumeTypes } from './volumeTypes';

/** Everybody chooses among the types; operators make them. */
export function VolumeTypesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('volume-types');
  const pages = usePages([volumeTypes.key], look.pageSize, volumeTypes.list);
  const [selected, select] = useState<VolumeType[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const limit = (value: number | null) => (value === null ? t('volumeType.noLimit') : format.number(value));
  const create = may('volume-types:write', 'cloud') && <WriteButton needs="volume-types:write" reach="cloud" variant="primary" onClick={() => setDialog('create')} data-testid="create-volume-type">{t('volumeType.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('volumeType.title'), href: '/volume-types' }]}>
      <ResourceTable
        title={t('volumeType.title')} description={t('volumeType.about')} pages={pages} look={look} labelOf={(v) => v.name} empty={t('volumeType.empty')} emptyAction={create}
        {...(may('volume-types:write', 'cloud') ? { selected, select } : {})}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (v) => v.name, isRowHeader: true, width: 200 },
          { id: 'id', header: t('ui.id'), cell: (v) => <code>{v.id}</code>, width: 220 },
          { id: 'iops', header: t('volumeType.iops'), cell: (v) => limit(v.iops), width: 240 },
          { id: 'mib', header: t('volumeType.mib'), cell: (v) => limit(v.mibPerSecond), width: 180 },
          { id: 'encrypted', header: t('volumeType.encrypted'), cell: (v) => t(v.encrypted ? 'ui.yes' : 'ui.no'), width: 140 },
          { id: 'created', header: t('ui.created'), cell: (v) => format.dateTime(v.createdAt), width: 235 },
        ]}
        actions={may('volume-types:write', 'cloud') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0 || !may('volume-types:write', 'cloud')} onClick={() => setDialog('delete')} data-testid="delete-volume-type">{t('ui.delete')}</Button>
            {create}
          </SpaceBetween>
        )}
      />
      {dialog === 'create' && <CreateVolumeTypeDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[volumeTypes.key]} remove={volumeTypes.remove} close={close} done={() => select([])}>{t('volumeType.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
