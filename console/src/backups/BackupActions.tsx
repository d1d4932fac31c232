import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Backup } from '../api/types';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { WriteButton } from '../ui/WriteButton';
import { backups, canDelete, isUsable, staleWithBackups } from './backups';
import { RestoreBackupDialog } from './RestoreBackupDialog';

type Action = 'delete' | 'restore';

/** What can be done with backups, as buttons; several can only be deleted. */
export function useBackupActions(chosen: readonly Backup[], deleted: () => void): { buttons: ReactNode[]; dialog: ReactNode } {
  const t = useText();
  const queries = useQueryClient();
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, ask] = useState<{ action: Action; of: readonly Backup[] } | null>(null);
  const one = chosen.length === 1 && chosen.every(isUsable) ? chosen[0] : undefined;
  const verify = async (b: Backup) => {
    await backups.verify(b.id);
    notify({ type: 'success', saying: { key: 'backup.verifyNotice', values: { name: b.name } } });
    void queries.invalidateQueries({ queryKey: [backups.key] });
  };
  const first = asked?.of[0];
  return {
    buttons: [
      <WriteButton key="delete" disabled={chosen.length === 0 || !chosen.every(canDelete)} onClick={() => ask({ action: 'delete', of: chosen })} data-testid="backup-delete">{t('ui.delete')}</WriteButton>,
      <WriteButton key="verify" disabled={one === undefined} onClick={() => one !== undefined && void verify(one)} data-testid="backup-verify">{t('backup.verify')}</WriteButton>,
      <WriteButton key="restore" disabled={one === undefined} onClick={() => ask({ action: 'restore', of: chosen })} data-testid="backup-restore">{t('backup.restore')}</WriteButton>,
    ],
    dialog: asked === null || first === undefined ? null : asked.action === 'delete' ? (
      <DeleteDialog items={asked.of} stale={staleWithBackups} remove={backups.remove} close={() => ask(null)} done={deleted}>{t('backup.deleteBody')}</DeleteDialog>
    ) : <RestoreBackupDialog backup={first} close={() => ask(null)} />,
  };
}
