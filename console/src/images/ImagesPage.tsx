import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Image } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { NameFilter } from '../ui/NameFilter';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { useDebounced } from '../ui/useDebounced';
import { WriteButton } from '../ui/WriteButton';
import { CreateImageDialog } from './CreateImageDialog';
import { images, isMoving, machineText } from './images';
import { ImageState } from './ImageState';

export function ImagesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const [name, setName] = useState('');
  const [visibility, setVisibility] = useState('');
  const [deprecated, setDeprecated] = useState(false);
  const rested = useDebounced(name.trim());
  const filters = { ...(visibility === '' ? {} : { visibility }), ...(rested === '' ? {} : { name: rested }), ...(deprecated ? { deprecated: 'true' } : {}) };
  const look = useTableLook('images', ['id', 'format', 'machine', 'sha256', 'created']);
  const pages = usePages([images.key, filters], look.pageSize, (page) => images.list({ ...page, ...filters }), isMoving);
  const [selected, select] = useState<Image[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const options = [{ value: '', label: t('image.visibilityAny') }, { value: 'private', label: t('image.visibility.private') }, { value: 'public', label: t('image.visibility.public') }, { value: 'shared', label: t('image.visibility.shared') }];
  const create = <WriteButton needs="images:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-image">{t('image.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('image.title'), href: '/images' }]}>
      <ResourceTable
        title={t('image.title')} description={t('image.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(i) => i.name} empty={t('image.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (i) => <><ResourceLink {...i} />{i.deprecatedAt !== null && <Box fontSize="body-s" color="text-body-secondary">{t('image.deprecatedShort')}</Box>}</>, isRowHeader: true, width: 190 },
          { id: 'id', header: t('ui.id'), cell: (i) => <code>{i.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (i) => <ImageState image={i} />, width: 210 },
          { id: 'visibility', header: t('image.visibility'), cell: (i) => t.word('image.visibility', i.visibility), width: 110 },
          { id: 'owner', header: t('image.owner'), cell: (i) => i.account.name, width: 130 },
          { id: 'format', header: t('image.format'), cell: (i) => i.format, width: 90 },
          { id: 'machine', header: t('image.machine'), cell: (i) => machineText(t, i), width: 170 },
          { id: 'size', header: t('image.size'), cell: (i) => (i.sizeBytes === null ? '-' : format.bytes(i.sizeBytes)), width: 130 },
          { id: 'diskSize', header: t('image.diskSize'), cell: (i) => (i.virtualSizeBytes === null ? '-' : format.bytes(i.virtualSizeBytes)), width: 150 },
          { id: 'user', header: t('image.defaultUser'), cell: (i) => <code>{i.defaultUser}</code>, width: 140 },
          { id: 'sha256', header: t('image.sha256'), cell: (i) => <code>{i.sha256 ?? '-'}</code>, width: 220 },
          { id: 'created', header: t('ui.created'), cell: (i) => format.dateTime(i.createdAt), width: 235 },
        ]}
        clearFilter={rested !== '' || visibility !== '' ? () => { setName(''); setVisibility(''); } : undefined}
        filter={
          <SpaceBetween direction="horizontal" size="s">
            <NameFilter value={name} change={setName} />
            <Select selectedOption={options.find((o) => o.value === visibility) ?? null} options={options} ariaLabel={t('image.visibility')} data-testid="images-visibility"
              onChange={(e) => setVisibility(e.detail.selectedOption.value ?? '')} />
            <Box padding={{ top: 'xxs' }}><Checkbox checked={deprecated} onChange={(e) => setDeprecated(e.detail.checked)} data-testid="images-deprecated">{t('image.deprecatedToo')}</Checkbox></Box>
          </SpaceBetween>
        }
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('images:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateImageDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[images.key]} remove={images.remove} close={close} done={() => select([])}>{t('image.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
