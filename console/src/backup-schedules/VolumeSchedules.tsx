import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Volume } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { isLeaving } from '../volumes/volumes';
import { scheduleColumns } from './cells';
import { CreateScheduleDialog } from './CreateScheduleDialog';
import { useScheduleActions } from './ScheduleActions';
import { schedules } from './schedules';

/** The schedules of a volume's backups. */
export function VolumeSchedules({ volume }: { volume: Volume }): ReactNode {
  const t = useText();
  const format = useFormat();
  const all = useAll([schedules.key, { volume: volume.id }], (page) => schedules.list({ ...page, volume: volume.id }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const [creating, setCreating] = useState(false);
  const selected = (all.data ?? []).filter((s) => chosen.includes(s.id));
  const actions = useScheduleActions(selected, () => choose([]));
  return (
    <>
      <ShortTable
        title={t('schedule.title')} items={all.data} error={all.error} empty={t('schedule.emptyVolume')} chosen={selected} choose={(items) => choose(items.map((s) => s.id))} labelOf={(s) => s.name}
        columns={scheduleColumns(t, format, false)}
        actions={[...actions.buttons, <WriteButton needs="backup-schedules:write" key="create" disabled={isLeaving(volume)} onClick={() => setCreating(true)} data-testid="schedule-create">{t('schedule.create')}</WriteButton>]}
      />
      {creating && <CreateScheduleDialog volume={volume} close={() => setCreating(false)} />}
      {actions.dialog}
    </>
  );
}
