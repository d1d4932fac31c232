import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useListing } from '../ui/useListing';
import { useBackupActions } from './BackupActions';
import { backups, isMoving, states } from './backups';
import { BackupState } from './BackupState';

export function BackupsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const listing = useListing({ key: backups.key, states, stateText: (s) => t(`backup.state.${s}`), hiddenAtFirst: ['id', 'verified', 'schedule', 'created'], list: backups.list, isMoving });
  const actions = useBackupActions(listing.selected, listing.unselect);
  return (
    <Page trail={[{ text: t('backup.title'), href: '/backups' }]}>
      <ResourceTable
        {...listing.table} title={t('backup.title')} description={t('backup.about')} labelOf={(b) => b.name} empty={t('backup.empty')} emptyHint={t('backup.emptyHint')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (b) => <ResourceLink {...b} />, isRowHeader: true, width: 220 },
          { id: 'id', header: t('ui.id'), cell: (b) => <code>{b.id}</code>, width: 230 },
          { id: 'state', header: t('ui.state'), cell: (b) => <BackupState backup={b} />, width: 270 },
          { id: 'kind', header: t('backup.kind'), cell: (b) => t.word('backup.kind', b.kind), width: 130 },
          { id: 'volume', header: t('snapshot.volume'), cell: (b) => b.volume.name, width: 150 },
          { id: 'size', header: t('volume.size'), cell: (b) => format.gib(b.sizeGib), width: 100 },
          { id: 'stored', header: t('backup.stored'), cell: (b) => format.bytes(b.storedBytes), width: 110 },
          { id: 'taken', header: t('snapshot.taken'), cell: (b) => (b.takenAt === null ? '-' : format.dateTime(b.takenAt)), width: 235 },
          { id: 'verified', header: t('backup.verified'), cell: (b) => (b.verifiedAt === null ? '-' : format.dateTime(b.verifiedAt)), width: 235 },
          { id: 'store', header: t('backup.store'), cell: (b) => b.store.name, width: 150 },
          { id: 'schedule', header: t('schedule.one'), cell: (b) => (b.schedule === null ? '-' : <ResourceLink {...b.schedule} />), width: 160 },
          { id: 'created', header: t('ui.created'), cell: (b) => format.dateTime(b.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs">{actions.buttons}</SpaceBetween>}
      />
      {actions.dialog}
    </Page>
  );
}
