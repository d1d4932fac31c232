import type { ReactNode } from 'react';
import type { BackupSchedule } from '../api/types';
import type { Format } from '../i18n/format';
import { useText, type Text } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { StateIndicator } from '../ui/StateIndicator';
import { keepText, whenText } from './schedules';

export function ScheduleState({ schedule: s }: { schedule: BackupSchedule }): ReactNode {
  const t = useText();
  const look = !s.enabled ? 'stopped' : s.conditions.length > 0 ? 'warning' : 'success';
  return <span data-testid="schedule-state" data-state={s.enabled ? 'on' : 'paused'}><StateIndicator type={look} text={t(`schedule.state.${s.enabled ? 'on' : 'paused'}`)} conditions={s.conditions} /></span>;
}

/** What lists say of a schedule, whichever list it is. */
export function scheduleColumns(t: Text, format: Format, withVolume: boolean) {
  return [
    { id: 'name', header: t('ui.name'), cell: (s: BackupSchedule) => s.name, isRowHeader: true, width: 140, minWidth: 120 },
    { id: 'state', header: t('ui.state'), cell: (s: BackupSchedule) => <ScheduleState schedule={s} />, width: 120, minWidth: 110 },
    ...(withVolume ? [{ id: 'volume', header: t('snapshot.volume'), cell: (s: BackupSchedule) => <ResourceLink {...s.volume} />, width: 130, minWidth: 110 }] : []),
    { id: 'when', header: t('schedule.when'), cell: (s: BackupSchedule) => whenText(t, format, s), width: 235, minWidth: 170 },
    { id: 'keep', header: t('schedule.keep'), cell: (s: BackupSchedule) => keepText(t, format, s), width: 185, minWidth: 130 },
    // One that is paused has none; what it missed is made when it is resumed.
    { id: 'next', header: t('schedule.next'), cell: (s: BackupSchedule) => (s.enabled ? format.dateTime(s.nextAt) : '-'), width: 205, minWidth: 150 },
    { id: 'last', header: t('schedule.last'), cell: (s: BackupSchedule) => (s.lastAt === null ? t('schedule.lastNone') : format.dateTime(s.lastAt)), width: 220, minWidth: 150 },
    { id: 'store', header: t('backup.store'), cell: (s: BackupSchedule) => s.store?.name ?? t('backup.storeAutomatic'), width: 150, minWidth: 130 },
  ];
}
