import { useState, type ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { BackupSchedule } from '../api/types';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { useForm } from '../ui/useForm';
import { KeepFields } from './KeepFields';
import { checkEdit, keepValues, schedules, scheduleUpdate } from './schedules';

export function EditScheduleDialog({ schedule, close }: { schedule: BackupSchedule; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => keepValues(schedule));
  const form = useForm({
    initial: first, check: (v) => checkEdit(v, first), send: (v) => schedules.update(schedule.id, scheduleUpdate(v, first)),
    done: (changed) => {
      notify({ type: 'success', saying: { key: 'schedule.saved', values: { name: changed.name } } });
      stale([schedules.key]);
      close();
    },
  });
  return (
    <FormDialog title={t('schedule.editTitle', { name: schedule.name })} action={t('ui.save')} form={form} close={close}>
      <div>{t('schedule.editAbout')}</div>
      <KeepFields form={form} />
    </FormDialog>
  );
}
