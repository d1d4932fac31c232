import { describe, expect, test } from 'vitest';
import { blankSnapshot, canDelete, checkCopySize, checkSnapshot, isUsable, snapshotRequest, snapshotUpdate, snapshotValues, states } from '../src/snapshots/snapshots';
import { canTakeSnapshot } from '../src/volumes/volumes';
import { endOf, percentOf } from '../src/volumes/work';

describe('snapshots', () => {
  test('are used once they are taken, and deleted once', () => {
    expect(states.map((state) => [isUsable({ state }), canDelete({ state })])).toEqual([[false, true], [true, true], [false, false]]);
  });

  test('are taken of volumes that are there', () => {
    const there = { state: 'in-use', host: { id: 'h-1', name: 'host-1' }, snapshots: 63 };
    expect([there, { ...there, snapshots: 64 }, { ...there, host: null }].map(canTakeSnapshot)).toEqual([true, false, false]);
    expect(['creating', 'restoring', 'deleting', 'retained'].filter((state) => canTakeSnapshot({ ...there, state }))).toEqual([]);
  });

  test('have a name, and a description that is not endless', () => {
    expect(checkSnapshot({ ...blankSnapshot, name: 'monday' })).toEqual([]);
    expect(checkSnapshot({ name: '', description: 'x'.repeat(1001), tags: [{ key: 'a=b', value: '' }] }).map((v) => v.field)).toEqual(['name', 'description', 'tags[0].key']);
    expect(snapshotRequest({ ...blankSnapshot, name: 'monday', tags: [{ key: 'env', value: '' }] })).toEqual({ name: 'monday', description: null, tags: { env: '' } });
    const first = snapshotValues({ name: 'monday', description: 'old', tags: { env: 'test' } });
    expect(snapshotUpdate({ ...first, description: '' }, first)).toEqual({ name: null, description: '', tags: null });
    expect(snapshotUpdate({ ...first, tags: [] }, first)).toEqual({ name: null, description: null, tags: { env: null } });
  });

  test('a volume that begins with one is not smaller', () => {
    expect([checkCopySize('', 5), checkCopySize('5', 5), checkCopySize('4', 5), checkCopySize('x', 5)?.key]).toEqual([null, null, { key: 'snapshot.sizeLeast', values: { least: 5 } }, 'rule.between']);
  });
});

test('work ends as it went, if that can be known', () => {
  const since = new Date(0).toISOString();
  expect([percentOf({ doneBytes: 25, totalBytes: 100 }), percentOf({ doneBytes: 0, totalBytes: 0 })]).toEqual([25, null]);
  expect(endOf({ doneBytes: 25, totalBytes: 100, since }, 10_000)).toBe(40_000);
  expect([endOf({ doneBytes: 0, totalBytes: 100, since }, 10_000), endOf({ doneBytes: 1, totalBytes: 0, since }, 10_000), endOf({ doneBytes: 25, totalBytes: 100, since }, 0)]).toEqual([null, null, null]);
});
