import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { useBackupActions } from './BackupActions';
import { backups, isMoving, staleWithBackups } from './backups';
import { BackupState } from './BackupState';
import { CreateBackupDialog } from './CreateBackupDialog';

/** The backups of a volume, the oldest first. */
export function VolumeBackups({ volume, canCreate }: { volume: Volume; canCreate: boolean }): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const all = useAll([backups.key, { volume: volume.id }], (page) => backups.list({ ...page, volume: volume.id }), isMoving);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [creating, create] = useState(false);
  const selected = (all.data ?? []).filter((b) => chosen.includes(b.id));
  const actions = useBackupActions(selected, () => choose([]));
  return (
    <>
      <ShortTable
        title={t('backup.title')} items={all.data} error={all.error} empty={t('backup.empty')} chosen={selected} choose={(items) => choose(items.map((b) => b.id))} labelOf={(b) => b.name}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (b) => <ResourceLink {...b} />, isRowHeader: true, minWidth: 160 },
          { id: 'state', header: t('ui.state'), cell: (b) => <BackupState backup={b} />, minWidth: 150 },
          { id: 'kind', header: t('backup.kind'), cell: (b) => t.word('backup.kind', b.kind), minWidth: 100 },
          { id: 'taken', header: t('snapshot.taken'), cell: (b) => (b.takenAt === null ? '-' : format.dateTime(b.takenAt)), minWidth: 180 },
          { id: 'stored', header: t('backup.stored'), cell: (b) => format.bytes(b.storedBytes), minWidth: 95 },
          { id: 'store', header: t('backup.store'), cell: (b) => b.store.name },
        ]}
        actions={[...actions.buttons, <WriteButton needs="volumes:write" key="create" disabled={!canCreate} onClick={() => create(true)} data-testid="backup-create">{t('backup.create')}</WriteButton>]}
      />
      {creating && <CreateBackupDialog volume={volume} close={() => create(false)} done={() => stale(staleWithBackups)} />}
      {actions.dialog}
    </>
  );
}
