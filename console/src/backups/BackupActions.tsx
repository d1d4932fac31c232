import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Backup } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { WriteButton } from '../ui/WriteButton';
import { backups, canCancel, canDelete, isUsable, staleWithBackups } from './backups';
import { RestoreBackupDialog } from './RestoreBackupDialog';

type Action = 'cancel' | 'delete' | 'restore' | 'verify';

/** What can be done with backups, as buttons; several can only be deleted. */
export function useBackupActions(chosen: readonly Backup[], deleted: () => void): { buttons: ReactNode[]; dialog: ReactNode } {
  const t = useText();
  const stale = useStale();
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, ask] = useState<{ action: Action; of: readonly Backup[] } | null>(null);
  const one = chosen.length === 1 ? chosen[0] : undefined;
  const usable = one !== undefined && isUsable(one);
  const button = (action: Action, text: string, enabled: boolean) => (
    <WriteButton needs="backups:write" key={action} disabled={!enabled} onClick={() => ask({ action, of: chosen })} data-testid={`backup-${action}`}>{text}</WriteButton>
  );
  const close = () => ask(null);
  const first = asked?.of[0];
  const run = async (call: (id: string) => Promise<unknown>, key: 'backup.cancelNotice' | 'backup.verifyNotice', { id, name }: Backup) => {
    await call(id);
    notify({ type: 'success', saying: { key, values: { name } } });
    stale(staleWithBackups);
  };
  const dialogs: Readonly<Record<Action, (b: Backup, of: readonly Backup[]) => ReactNode>> = {
    cancel: (b) => <ConfirmDialog title={t('backup.cancelTitle', { name: b.name })} action={t('backup.cancel')} typed={null} run={() => run(backups.cancel, 'backup.cancelNotice', b)} close={close}>{t('backup.cancelBody')}</ConfirmDialog>,
    delete: (_, of) => <DeleteDialog items={of} stale={staleWithBackups} remove={backups.remove} close={close} done={deleted}>{t('backup.deleteBody')}</DeleteDialog>,
    restore: (b) => <RestoreBackupDialog backup={b} close={close} />,
    verify: (b) => <ConfirmDialog title={t('backup.verifyTitle', { name: b.name })} action={t('backup.verify')} typed={null} run={() => run(backups.verify, 'backup.verifyNotice', b)} close={close}>{t('backup.verifyBody')}</ConfirmDialog>,
  };
  return {
    buttons: [
      button('delete', t('ui.delete'), chosen.length > 0 && chosen.every(canDelete)), button('cancel', t('backup.cancel'), one !== undefined && canCancel(one)), button('verify', t('backup.verify'), usable && one.work === null),
      button('restore', t('backup.restore'), usable),
    ],
    dialog: asked === null || first === undefined ? null : dialogs[asked.action](first, asked.of),
  };
}
