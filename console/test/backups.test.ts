import { describe, expect, test } from 'vitest';
import { blankSchedule, checkEdit, checkSchedule, keepText, keepValues, scheduleRequest, scheduleUpdate, timeZones, whenText, type ScheduleValues, type Unit } from '../src/backup-schedules/schedules';
import { canCancel, canDelete, checkRestore, isMoving, isUsable, states } from '../src/backups/backups';
import { formatIn } from '../src/i18n/format';
import { textIn } from '../src/i18n/text';
import { canAdopt, otherFinds } from '../src/strays/strays';

describe('backups', () => {
  test('are restored once they are whole, and deleted once', () => {
    expect(states.map((state) => [isUsable({ state }), canDelete({ state })])).toEqual([[false, true], [true, true], [false, false], [false, true]]);
  });

  test('a volume made from one has a name and a place, and is not smaller', () => {
    const back = { name: 'back', sizeGib: '', pool: '' };
    expect(checkRestore(back, 5, true)).toEqual([]);
    expect(checkRestore({ ...back, sizeGib: '5' }, 5, true)).toEqual([]);
    expect(checkRestore({ ...back, name: '', sizeGib: '4' }, 5, true).map((v) => v.field)).toEqual(['name', 'sizeGib']);
    expect([checkRestore(back, 5, false).map((v) => v.field), checkRestore({ ...back, pool: 'spl-1' }, 5, false)]).toEqual([['pool'], []]);
  });

  test('are watched while a host does something to them, and given up while they are made', () => {
    const work = { kind: 'verify', doneBytes: 1, totalBytes: 2, since: '' };
    expect(states.map((state) => [isMoving({ state, work: null }), canCancel({ state })])).toEqual([[true, true], [false, false], [true, false], [false, false]]);
    expect(isMoving({ state: 'available', work })).toBe(true);
  });
});

describe('schedules of backups', () => {
  const t = textIn('en');
  const [en, ja] = [formatIn('en'), formatIn('ja')];
  const blank = { ...blankSchedule('vol-1', 'Asia/Tokyo'), name: 'nightly' };
  const broken = (more: Partial<ScheduleValues>) => checkSchedule({ ...blank, ...more }).map((v) => v.field);

  test('run each day at a time of a zone, or each so many minutes', () => {
    expect(scheduleRequest(blank)).toEqual({ name: 'nightly', volume: 'vol-1', at: '03:00', timeZone: 'Asia/Tokyo', everyMinutes: null, keep: 7, keepDays: null, fullEvery: 7, store: null });
    expect(scheduleRequest({ ...blank, when: 'every', keep: '', keepDays: '14', store: 'bst-1' })).toMatchObject({ at: null, timeZone: null, everyMinutes: 360, keep: null, keepDays: 14, store: 'bst-1' });
    expect([broken({}), broken({ name: '', volume: '' }), broken({ at: '24:00' }), broken({ at: '3:00' }), broken({ at: '24:00', when: 'every' })]).toEqual([[], ['name', 'volume'], ['at'], ['at'], []]);
  });

  test('are no more often than each five minutes, in whatever unit', () => {
    const every = (text: string, unit: Unit) => broken({ when: 'every', every: text, unit });
    expect([every('4', 'minute'), every('5', 'minute'), every('0', 'hour'), every('1', 'hour'), every('366', 'day'), every('367', 'day')]).toEqual([['everyMinutes'], [], ['everyMinutes'], [], [], ['everyMinutes']]);
  });

  test('say how many stay, which can be changed and not be taken away', () => {
    expect([broken({ keep: '' }), broken({ keep: '0' }), broken({ keep: '', keepDays: '3661' }), broken({ fullEvery: '101' })]).toEqual([['keep'], ['keep'], ['keepDays'], ['fullEvery']]);
    const first = keepValues({ keep: 7, keepDays: null, fullEvery: 7 });
    expect(checkEdit({ ...first, keep: '', keepDays: '3' }, first).map((v) => v.key)).toEqual(['schedule.limitStays']);
    expect(checkEdit({ ...first, keepDays: '3' }, first)).toEqual([]);
    expect([scheduleUpdate(first, first), scheduleUpdate({ ...first, keep: '9', keepDays: '3' }, first)]).toEqual([
      { enabled: null, keep: null, keepDays: null, fullEvery: null }, { enabled: null, keep: 9, keepDays: 3, fullEvery: null },
    ]);
  });

  test('are told in words', () => {
    const told = (everyMinutes: number) => whenText(t, en, { at: null, everyMinutes, timeZone: 'UTC' });
    expect([told(90), told(60), told(2880), whenText(t, en, { at: '03:00', everyMinutes: null, timeZone: 'UTC' })]).toEqual(['Every 90 minutes', 'Every 1 hour', 'Every 2 days', 'Each day at 03:00 (UTC)']);
    expect([keepText(t, en, { keep: 7, keepDays: null }), keepText(t, en, { keep: 7, keepDays: 14 }), keepText(textIn('ja'), ja, { keep: 7, keepDays: 14 })]).toEqual(['the newest 7', 'the newest 7, for 14 days', '最新の 7 個、14 日間']);
  });

  test('are offered the own time zone first, and each once', () => {
    const zones = timeZones('Asia/Tokyo');
    expect([zones[0], zones[1], new Set(zones).size]).toEqual(['Asia/Tokyo', 'UTC', zones.length]);
  });
});

describe('volumes without a record', () => {
  test('are adopted if they can be read, and told once', () => {
    expect([canAdopt({ sizeGib: 0 }), canAdopt({ sizeGib: 1 })]).toEqual([false, true]);
    expect(otherFinds(['i-1', 'volume vol-1 in /srv/vol-1.qcow2', 'volume vol-12 in /srv'], [{ id: 'vol-1' }])).toEqual(['i-1', 'volume vol-12 in /srv']);
  });
});
