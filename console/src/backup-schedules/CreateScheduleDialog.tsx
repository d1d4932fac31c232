import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { Ref } from '../api/types';
import { StoreField } from '../backups/StoreField';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { isLeaving, volumes } from '../volumes/volumes';
import { KeepFields } from './KeepFields';
import { blankSchedule, checkSchedule, scheduleRequest, schedules } from './schedules';
import { WhenFields } from './WhenFields';

/** Makes a schedule, of a volume that is given or chosen. */
export function CreateScheduleDialog({ volume, close }: { volume?: Ref; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const all = useAll([volumes.key], volumes.list);
  const [blank] = useState(() => blankSchedule(volume?.id ?? '', Intl.DateTimeFormat().resolvedOptions().timeZone));
  const form = useForm({
    initial: blank, check: checkSchedule, send: (v) => schedules.create(scheduleRequest(v)),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'schedule.createNotice', values: { name: made.name } } });
      stale([schedules.key]);
      close();
    },
  });
  const options = volume !== undefined ? [{ value: volume.id, label: volume.name }] : (all.data ?? []).filter((v) => !isLeaving(v)).map((v) => ({ value: v.id, label: v.name, description: format.gib(v.sizeGib) }));
  return (
    <FormDialog title={t('schedule.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="schedule-name" />
      <SelectField
        form={form} field="volume" label={t('snapshot.volume')} placeholder={t(options.length === 0 && all.isSuccess ? 'volume.empty' : 'schedule.volumeChoose')} loading={volume === undefined && all.isPending} options={options}
        testId="schedule-volume"
      />
      <WhenFields form={form} />
      <KeepFields form={form} />
      <StoreField form={form} />
    </FormDialog>
  );
}
