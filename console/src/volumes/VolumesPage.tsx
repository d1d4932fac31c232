import Button from '@cloudscape-design/components/button';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { useAll, usePages } from '../api/pages';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { pools } from '../pools/pools';
import { useMay } from '../session/permissions';
import { FoundAgain } from '../strays/FoundAgain';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { AskedTags, TagFilter } from '../ui/TagFilter';
import { tagLine } from '../ui/TagList';
import { WriteButton } from '../ui/WriteButton';
import { CreateVolumeDialog } from './CreateVolumeDialog';
import { isSettling, states } from './state';
import { canDelete, staleWithVolumes, volumes } from './volumes';
import { VolumeState } from './VolumeState';

export function VolumesPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const places = useAll([pools.key], pools.list);
  const state = states.find((s) => s === search.get('state'));
  const pool = search.get('pool') ?? '';
  const tag = search.getAll('tag');
  const filters = { ...(state ? { state } : {}), ...(pool === '' ? {} : { pool }), ...(tag.length === 0 ? {} : { tag }) };
  const look = useTableLook('volumes', ['id', 'type', 'host', 'created']);
  const pages = usePages([volumes.key, filters], look.pageSize, (page) => volumes.list({ ...page, ...filters }), isSettling);
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((v) => chosen.includes(v.id));
  const [creating, setCreating] = useState(false);
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [deleting, setDeleting] = useState<readonly Volume[]>([]);
  const create = <WriteButton needs="volumes:write" variant="primary" onClick={() => setCreating(true)} data-testid="create-volume">{t('volume.create')}</WriteButton>;
  const stateOptions = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: t(`volume.state.${s}`) }))];
  const poolOptions = [{ value: '', label: t('volume.poolAny') }, ...(places.data ?? []).map((p) => ({ value: p.id, label: p.name }))];
  const filter = (name: 'state' | 'pool' | 'tag', ...values: readonly (string | undefined)[]) => setSearch((before) => {
    const next = new URLSearchParams(before);
    next.delete(name);
    for (const value of values) if (value) next.append(name, value);
    return next;
  });
  const askFor = (tags: readonly string[]) => filter('tag', ...tags);
  return (
    <Page trail={[{ text: t('volume.title'), href: '/volumes' }]}>
      <FoundAgain />
      <ResourceTable
        title={t('volume.title')} description={t('volume.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((v) => v.id))} labelOf={(v) => v.name} empty={t('volume.empty')} emptyAction={create}
        clearFilter={Object.keys(filters).length > 0 ? () => setSearch({}) : undefined}
        filter={
          <SpaceBetween size="xs">
            <SpaceBetween direction="horizontal" size="s">
              <Select selectedOption={stateOptions.find((o) => o.value === (state ?? '')) ?? null} options={stateOptions} ariaLabel={t('ui.state')} onChange={(e) => filter('state', e.detail.selectedOption.value)} data-testid="volumes-state" />
              <Select selectedOption={poolOptions.find((o) => o.value === pool) ?? null} options={poolOptions} ariaLabel={t('volume.pool')} onChange={(e) => filter('pool', e.detail.selectedOption.value)} data-testid="volumes-pool" />
              <TagFilter asked={tag} change={askFor} seen={pages.items.map((v) => v.tags)} testId="volumes-tag" />
            </SpaceBetween>
            {tag.length > 0 && <AskedTags asked={tag} change={askFor} />}
          </SpaceBetween>
        }
        columns={[
          { id: 'name', header: t('ui.name'), cell: (v) => <ResourceLink {...v} />, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (v) => <code>{v.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (v) => <VolumeState volume={v} />, width: 190 },
          { id: 'size', header: t('volume.size'), cell: (v) => format.gib(v.sizeGib), width: 95 },
          { id: 'used', header: t('volume.used'), cell: (v) => format.bytes(v.usedBytes), width: 105 },
          { id: 'pool', header: t('volume.pool'), cell: (v) => <ResourceLink {...v.pool} />, width: 125 },
          { id: 'instance', header: t('volume.instance'), cell: (v) => (v.instance === null ? '-' : <ResourceLink {...v.instance} />), width: 160 },
          { id: 'tags', header: t('tags.title'), cell: (v) => tagLine(v.tags), width: 200 },
          { id: 'type', header: t('volume.type'), cell: (v) => v.type?.name ?? '-', width: 130 },
          { id: 'host', header: t('volume.host'), cell: (v) => v.host?.name ?? '-', width: 130 },
          { id: 'created', header: t('ui.created'), cell: (v) => format.dateTime(v.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={selected.length === 0 || !selected.every(canDelete) || !may('volumes:write')} onClick={() => setDeleting(selected)} data-testid="delete-volumes">{t('ui.delete')}</Button>
            {create}
          </SpaceBetween>
        }
      />
      {creating && (
        <CreateVolumeDialog
          close={() => setCreating(false)}
          created={(made) => {
            void queries.invalidateQueries({ predicate: (q) => (staleWithVolumes as readonly string[]).includes(String(q.queryKey[0])) });
            void navigate(`/volumes/${made.id}`);
          }}
        />
      )}
      {deleting.length > 0 && <DeleteDialog items={deleting} stale={staleWithVolumes} remove={volumes.remove} close={() => setDeleting([])} done={() => choose([])}>{t('volume.deleteBody')} {deleting.some((v) => v.snapshots > 0) && t('volume.keptBody')}</DeleteDialog>}
    </Page>
  );
}
