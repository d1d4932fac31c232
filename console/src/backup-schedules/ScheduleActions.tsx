import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { BackupSchedule } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { WriteButton } from '../ui/WriteButton';
import { EditScheduleDialog } from './EditScheduleDialog';
import { schedules } from './schedules';

/** What can be done with schedules, as buttons; several can only be deleted. */
export function useScheduleActions(chosen: readonly BackupSchedule[], deleted: () => void): { buttons: ReactNode[]; dialog: ReactNode } {
  const t = useText();
  const stale = useStale();
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, ask] = useState<{ action: 'delete' | 'edit' | 'pause'; of: readonly BackupSchedule[] } | null>(null);
  const [resuming, setResuming] = useState(false);
  const one = chosen.length === 1 ? chosen[0] : undefined;
  const set = async (s: BackupSchedule, enabled: boolean) => {
    await schedules.update(s.id, { enabled, keep: null, keepDays: null, fullEvery: null });
    notify({ type: 'success', saying: { key: enabled ? 'schedule.resumeNotice' : 'schedule.pauseNotice', values: { name: s.name } } });
    stale([schedules.key]);
  };
  const resume = async (s: BackupSchedule) => {
    setResuming(true);
    await set(s, true).catch((error: unknown) => notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: 1, total: 1 } }, failures: [error as Error] }));
    setResuming(false);
  };
  const close = () => ask(null);
  const first = asked?.of[0];
  return {
    buttons: [
      <WriteButton needs="backup-schedules:write" key="delete" disabled={chosen.length === 0} onClick={() => ask({ action: 'delete', of: chosen })} data-testid="schedule-delete">{t('ui.delete')}</WriteButton>,
      <WriteButton needs="backup-schedules:write" key="edit" disabled={one === undefined} onClick={() => ask({ action: 'edit', of: chosen })} data-testid="schedule-edit">{t('schedule.edit')}</WriteButton>,
      one?.enabled === false
        ? <WriteButton needs="backup-schedules:write" key="resume" loading={resuming} onClick={() => void resume(one)} data-testid="schedule-resume">{t('schedule.resume')}</WriteButton>
        : <WriteButton needs="backup-schedules:write" key="pause" disabled={one === undefined} onClick={() => ask({ action: 'pause', of: chosen })} data-testid="schedule-pause">{t('schedule.pause')}</WriteButton>,
    ],
    dialog: asked === null || first === undefined ? null
      : asked.action === 'delete' ? <DeleteDialog items={asked.of} stale={[schedules.key]} remove={schedules.remove} close={close} done={deleted}>{t('schedule.deleteBody')}</DeleteDialog>
      : asked.action === 'edit' ? <EditScheduleDialog schedule={first} close={close} />
      : <ConfirmDialog title={t('schedule.pauseTitle', { name: first.name })} action={t('schedule.pause')} typed={null} run={() => set(first, false)} close={close}>{t('schedule.pauseBody')}</ConfirmDialog>,
  };
}
