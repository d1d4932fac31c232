import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { NameFilter } from '../ui/NameFilter';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { useDebounced } from '../ui/useDebounced';
import { useSnapshotActions } from './SnapshotActions';
import { snapshots, states } from './snapshots';
import { SnapshotState } from './SnapshotState';

export function SnapshotsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const [search, setSearch] = useSearchParams();
  const state = states.find((s) => s === search.get('state'));
  const [name, setName] = useState('');
  const begins = useDebounced(name);
  const filters = { ...(state ? { state } : {}), ...(begins === '' ? {} : { name: begins }) };
  const look = useTableLook('snapshots', ['id', 'instance', 'created']);
  const pages = usePages([snapshots.key, filters], look.pageSize, (page) => snapshots.list({ ...page, ...filters }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((s) => chosen.includes(s.id));
  const actions = useSnapshotActions(selected, () => choose([]));
  const options = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: t(`snapshot.state.${s}`) }))];
  return (
    <Page trail={[{ text: t('snapshot.title'), href: '/snapshots' }]}>
      <ResourceTable
        title={t('snapshot.title')} description={t('snapshot.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((s) => s.id))} labelOf={(s) => s.name} empty={t('snapshot.empty')}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <NameFilter value={name} change={setName} />
            <Select
              selectedOption={options.find((o) => o.value === (state ?? '')) ?? null} options={options} ariaLabel={t('ui.state')} data-testid="snapshots-state"
              onChange={(e) => setSearch(e.detail.selectedOption.value ? { state: e.detail.selectedOption.value } : {}, { replace: true })}
            />
          </SpaceBetween>
        }
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => <ResourceLink {...s} />, isRowHeader: true, width: 200 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 230 },
          { id: 'state', header: t('ui.state'), cell: (s) => <SnapshotState snapshot={s} />, width: 150 },
          { id: 'volume', header: t('snapshot.volume'), cell: (s) => <ResourceLink {...s.volume} />, width: 170 },
          { id: 'size', header: t('volume.size'), cell: (s) => format.gib(s.sizeGib), width: 110 },
          { id: 'used', header: t('volume.used'), cell: (s) => format.bytes(s.usedBytes), width: 120 },
          { id: 'taken', header: t('snapshot.taken'), cell: (s) => (s.takenAt === null ? '-' : format.dateTime(s.takenAt)), width: 235 },
          { id: 'consistency', header: t('snapshot.consistency'), cell: (s) => (s.consistency === null ? '-' : t.word('snapshot.consistency', s.consistency)), width: 190 },
          { id: 'instance', header: t('volume.instance'), cell: (s) => (s.instance === null ? '-' : <ResourceLink {...s.instance} />), width: 170 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs">{actions.buttons}</SpaceBetween>}
      />
      {actions.dialog}
    </Page>
  );
}
