import { answer, api } from '../api/client';
import type { BackupSchedule, CreateBackupSchedule, UpdateBackupSchedule } from '../api/types';
import type { Format } from '../i18n/format';
import type { Text } from '../i18n/text';
import { name, optional, violations, wholeNumber, type Broken, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { backupSchedule: id } } });

export const schedules = {
  key: 'backup-schedules',
  list: (query: { limit: number; cursor?: string; volume?: string }) => answer(api.GET('/api/v1/backup-schedules', { params: { query } })),
  create: (body: CreateBackupSchedule) => answer(api.POST('/api/v1/backup-schedules', { body })),
  update: (id: string, body: UpdateBackupSchedule) => answer(api.PUT('/api/v1/backup-schedules/{backupSchedule}', { ...at(id), body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/backup-schedules/{backupSchedule}', at(id))),
};

export const units = { minute: 1, hour: 60, day: 1440 } as const;
export type Unit = keyof typeof units;

const [everyLeast, everyMost] = [5, 527_040];

/** How many stay, and how often one is full. */
export interface KeepValues {
  /** Empty: however many there are. */
  readonly keep: string;
  /** Empty: for good. */
  readonly keepDays: string;
  readonly fullEvery: string;
}

export interface ScheduleValues extends KeepValues {
  readonly name: string;
  readonly volume: string;
  readonly when: 'at' | 'every';
  readonly at: string;
  readonly timeZone: string;
  readonly every: string;
  readonly unit: Unit;
  /** Empty: the first that the volume's host reaches. */
  readonly store: string;
}

/** Each night, a week of them. */
export function blankSchedule(volume: string, timeZone: string): ScheduleValues {
  return { name: '', volume, when: 'at', at: '03:00', timeZone, every: '6', unit: 'hour', keep: '7', keepDays: '', fullEvery: '7', store: '' };
}

/** The time zones that are offered: those that the browser knows, and UTC, which is none of a place. */
export function timeZones(own: string): readonly string[] {
  return [...new Set([own, 'UTC', ...Intl.supportedValuesOf('timeZone')])];
}

function checkKeep(v: KeepValues, keptBefore: Pick<KeepValues, 'keep' | 'keepDays'> | null): Violation[] {
  const stays = (now: string, before: string | undefined): Broken => (now === '' && before !== undefined && before !== '' ? { key: 'schedule.limitStays' } : null);
  const one: Broken = v.keep === '' && v.keepDays === '' ? { key: 'schedule.limitNeeded' } : null;
  return violations(
    ['keep', one ?? stays(v.keep, keptBefore?.keep) ?? optional(v.keep, (text) => wholeNumber(text, 1, 1000))], ['keepDays', stays(v.keepDays, keptBefore?.keepDays) ?? optional(v.keepDays, (text) => wholeNumber(text, 1, 3660))],
    ['fullEvery', wholeNumber(v.fullEvery, 1, 100)]);
}

export function checkSchedule(v: ScheduleValues): Violation[] {
  const [least, most] = [Math.ceil(everyLeast / units[v.unit]), Math.floor(everyMost / units[v.unit])];
  return [
    ...violations(
      ['name', name(v.name)], ['volume', v.volume === '' ? { key: 'rule.choose' } : null],
      ['at', v.when !== 'at' || /^([01]\d|2[0-3]):[0-5]\d$/.test(v.at) ? null : { key: 'schedule.timeOfDay' }], ['everyMinutes', v.when === 'every' ? wholeNumber(v.every, least, most) : null]),
    ...checkKeep(v, null),
  ];
}

const whole = (text: string) => (text === '' ? null : Number(text));

export function scheduleRequest(v: ScheduleValues): CreateBackupSchedule {
  const daily = v.when === 'at';
  return {
    name: v.name, volume: v.volume, at: daily ? v.at : null, timeZone: daily ? v.timeZone : null, everyMinutes: daily ? null : Number(v.every) * units[v.unit], keep: whole(v.keep), keepDays: whole(v.keepDays),
    fullEvery: Number(v.fullEvery), store: v.store === '' ? null : v.store,
  };
}

export function keepValues(s: Pick<BackupSchedule, 'keep' | 'keepDays' | 'fullEvery'>): KeepValues {
  return { keep: String(s.keep ?? ''), keepDays: String(s.keepDays ?? ''), fullEvery: String(s.fullEvery) };
}

/** A limit can be changed and added, and not be taken away. */
export function checkEdit(v: KeepValues, first: KeepValues): Violation[] {
  return checkKeep(v, first);
}

/** Only what was changed is sent. */
export function scheduleUpdate(v: KeepValues, first: KeepValues): UpdateBackupSchedule {
  const changed = (field: keyof KeepValues) => (v[field] === first[field] ? null : whole(v[field]));
  return { enabled: null, keep: changed('keep'), keepDays: changed('keepDays'), fullEvery: changed('fullEvery') };
}

/** When backups are made, in words. */
export function whenText(t: Text, format: Format, s: Pick<BackupSchedule, 'at' | 'everyMinutes' | 'timeZone'>): string {
  return s.at !== null ? t('schedule.daily', { time: s.at, zone: s.timeZone }) : t('schedule.every', { time: format.duration(s.everyMinutes ?? 0) });
}

/** How many stay, in words. */
export function keepText(t: Text, format: Format, s: Pick<BackupSchedule, 'keep' | 'keepDays'>): string {
  return [s.keep === null ? null : t('schedule.keepCount', { count: s.keep }), s.keepDays === null ? null : t('schedule.keepFor', { time: format.duration(s.keepDays * units.day) })].filter((text) => text !== null).join(t('schedule.and'));
}
