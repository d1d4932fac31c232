import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { NameFilter } from '../ui/NameFilter';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { useDebounced } from '../ui/useDebounced';
import { useBackupActions } from './BackupActions';
import { backups, states } from './backups';
import { BackupState } from './BackupState';

export function BackupsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const [search, setSearch] = useSearchParams();
  const state = states.find((s) => s === search.get('state'));
  const [name, setName] = useState('');
  const begins = useDebounced(name);
  const filters = { ...(state ? { state } : {}), ...(begins === '' ? {} : { name: begins }) };
  const look = useTableLook('backups', ['id', 'verified', 'created']);
  const pages = usePages([backups.key, filters], look.pageSize, (page) => backups.list({ ...page, ...filters }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((b) => chosen.includes(b.id));
  const actions = useBackupActions(selected, () => choose([]));
  const options = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: t(`backup.state.${s}`) }))];
  return (
    <Page trail={[{ text: t('backup.title'), href: '/backups' }]}>
      <ResourceTable
        title={t('backup.title')} description={t('backup.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((b) => b.id))} labelOf={(b) => b.name} empty={t('backup.empty')}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <NameFilter value={name} change={setName} />
            <Select
              selectedOption={options.find((o) => o.value === (state ?? '')) ?? null} options={options} ariaLabel={t('ui.state')} data-testid="backups-state"
              onChange={(e) => setSearch(e.detail.selectedOption.value ? { state: e.detail.selectedOption.value } : {}, { replace: true })}
            />
          </SpaceBetween>
        }
        columns={[
          { id: 'name', header: t('ui.name'), cell: (b) => b.name, isRowHeader: true, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (b) => <code>{b.id}</code>, width: 230 },
          { id: 'state', header: t('ui.state'), cell: (b) => <BackupState backup={b} />, width: 170 },
          { id: 'kind', header: t('backup.kind'), cell: (b) => t.word('backup.kind', b.kind), width: 130 },
          { id: 'volume', header: t('snapshot.volume'), cell: (b) => b.volume.name, width: 170 },
          { id: 'size', header: t('volume.size'), cell: (b) => format.gib(b.sizeGib), width: 110 },
          { id: 'stored', header: t('backup.stored'), cell: (b) => format.bytes(b.storedBytes), width: 120 },
          { id: 'taken', header: t('snapshot.taken'), cell: (b) => (b.takenAt === null ? '-' : format.dateTime(b.takenAt)), width: 235 },
          { id: 'verified', header: t('backup.verified'), cell: (b) => (b.verifiedAt === null ? '-' : format.dateTime(b.verifiedAt)), width: 235 },
          { id: 'store', header: t('backup.store'), cell: (b) => b.store.name, width: 150 },
          { id: 'created', header: t('ui.created'), cell: (b) => format.dateTime(b.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs">{actions.buttons}</SpaceBetween>}
      />
      {actions.dialog}
    </Page>
  );
}
