import { describe, expect, test } from 'vitest';
import { staleAfter } from '../src/api/live';
import type { Event, Pool, Store, Volume } from '../src/api/types';
import { formatIn } from '../src/i18n/format';
import { textIn } from '../src/i18n/text';
import { checkPool, isNearlyFull, poolUpdate, poolValues, promisedMax, stateOf, sum } from '../src/pools/pools';
import { decimal, name } from '../src/ui/rules';
import { checkVolumeType, limitsText, volumeTypeRequest } from '../src/volume-types/volumeTypes';
import { isSettling, lookOf, states } from '../src/volumes/state';
import { blankVolume, canAttach, canDelete, canDetach, canMove, checkCopiedSize, checkCopy, checkEdit, checkMove, checkSize, checkVolume, copyRequest, devicePath, editValues, isElsewhere, leastSize, moveRequest, volumeRequest, volumeUpdate } from '../src/volumes/volumes';

const t = textIn('en');
const fields = (violations: readonly { field: string }[]) => violations.map((v) => v.field);
const ref = (id: string) => ({ id, name: id });
const volume = (more: Partial<Volume> = {}): Volume => ({
  id: 'vol-1', name: 'data', account: ref('a-1'), state: 'available', sizeGib: 5, usedBytes: 0, pool: ref('spl-1'), type: null, host: ref('h-1'), image: null, instance: null, slot: null, serial: 'vol1', encrypted: false,
  deleteOnTermination: false, generation: 1, observedGeneration: 1, conditions: [], createdAt: '', snapshot: null, snapshots: 0, work: null, tags: {}, ...more,
});
const store = (more: Partial<Store> = {}): Store => ({ id: 'st-1', hosts: [ref('h-1')], capacityGib: 50, usedGib: 10, allocatedGib: 20, own: false, reportedAt: '', ...more });
const pool = (more: Partial<Pool> = {}): Pool => ({
  id: 'spl-1', name: 'local', driver: 'directory', shared: false, default: true, maintenance: false, overcommit: 1, warnPercent: 80, protocol: 'nbd', accounts: null, stores: [store()], createdAt: '', ...more,
});

describe('the state of a volume', () => {
  test('on its way turns, free and in use rest, held up warns, unknown is said as it is', () => {
    expect(states.map((state) => lookOf(volume({ state })))).toEqual(['loading', 'info', 'loading', 'success', 'loading', 'loading', 'loading', 'loading', 'loading', 'stopped']);
    const condition = { type: 'Made', reason: 'NoRoom', message: '', since: '', nextTryAt: null };
    expect([lookOf(volume({ conditions: [condition] })), lookOf(volume({ state: 'creating', conditions: [condition] }))]).toEqual(['warning', 'warning']);
    for (const state of states) expect(t.word('volume.state', state)).not.toBe(state);
    expect([lookOf(volume({ state: 'new-word' })), t.word('volume.state', 'new-word')]).toEqual(['info', 'new-word']);
  });

  test('one in use that its host has not acted on to the end is on its way, one without a place is not', () => {
    expect(isSettling(volume({ state: 'in-use', generation: 3, observedGeneration: 2 }))).toBe(true);
    expect(lookOf(volume({ state: 'in-use', generation: 3, observedGeneration: 2 }))).toBe('loading');
    expect(isSettling(volume({ host: null, generation: 1, observedGeneration: 0 }))).toBe(false);
  });

  test('tells what can be done', () => {
    const held = { instance: ref('i-1') };
    const can = (v: Volume) => [canAttach(v), canDetach(v), canDelete(v)];
    expect(can(volume())).toEqual([true, false, true]);
    expect(can(volume({ ...held, state: 'in-use' }))).toEqual([false, true, false]);
    expect(can(volume({ ...held, state: 'detaching' }))).toEqual([false, false, false]);
    for (const state of ['deleting', 'retained']) expect(can(volume({ state }))).toEqual([false, false, false]);
    expect(can(volume({ state: 'restoring' }))).toEqual([false, false, true]);
    const creating = [{}, { snapshot: ref('snap-1') }, { backup: ref('bk-1') }, { source: ref('vol-2') }].map((origin) => volume({ state: 'creating', ...origin }));
    expect(creating.map(can)).toEqual([[true, false, true], [false, false, true], [false, false, true], [false, false, true]]);
    expect(can(volume({ source: ref('vol-2') }))).toEqual([true, false, true]);
  });
});

describe('where a volume can be used', () => {
  const [own, shared] = [[{ id: 'spl-1', shared: false }], [{ id: 'spl-1', shared: true }]];
  test('is anywhere until it has a place, and then on its host unless the pool is shared', () => {
    const on = (id: string) => ({ host: ref(id) });
    expect([isElsewhere(volume({ host: null }), on('h-2'), own), isElsewhere(volume(), on('h-1'), own), isElsewhere(volume(), on('h-2'), own), isElsewhere(volume(), on('h-2'), shared)]).toEqual([false, false, true, false]);
    // What is not known is left to the server.
    expect([isElsewhere(volume(), on('h-2'), undefined), isElsewhere(volume(), on('h-2'), [])]).toEqual([false, false]);
  });
  test('the guest finds it by its serial number', () => expect(devicePath({ serial: 'vol19a3f2b4c5d6e7f80' })).toBe('/dev/disk/by-id/virtio-vol19a3f2b4c5d6e7f80'));
});

describe('making and changing volumes', () => {
  const image = { virtualSizeBytes: 2 ** 30 + 1 };

  test('a name and a size are needed, and a pool where there is no default', () => {
    expect(fields(checkVolume(blankVolume, undefined, true))).toEqual(['name', 'sizeGib']);
    expect(fields(checkVolume({ ...blankVolume, name: 'data', sizeGib: '65537' }, undefined, false))).toEqual(['sizeGib', 'pool']);
    expect(checkVolume({ ...blankVolume, name: 'data', sizeGib: '65536', pool: 'spl-1' }, undefined, false)).toEqual([]);
  });

  test('one that begins as an image may take its size from it, and is not smaller', () => {
    expect([leastSize(undefined), leastSize({ virtualSizeBytes: null }), leastSize({ virtualSizeBytes: 2 ** 30 }), leastSize(image)]).toEqual([null, null, 1, 2]);
    const asked = { ...blankVolume, name: 'root', image: 'img-1' };
    expect(checkVolume(asked, image, true)).toEqual([]);
    expect(checkVolume({ ...asked, sizeGib: '1' }, image, true)).toEqual([{ field: 'sizeGib', key: 'volume.sizeOfImage', values: { least: 2 } }]);
    expect(checkVolume({ ...asked, sizeGib: '2' }, image, true)).toEqual([]);
  });

  test('what was not chosen is left to the server', () => {
    expect(volumeRequest({ ...blankVolume, name: 'data', sizeGib: '5' })).toEqual({ name: 'data', sizeGib: 5, pool: null, type: null, image: null, deleteOnTermination: false, snapshot: null, tags: null });
    expect(volumeRequest({ name: 'data', sizeGib: '', pool: 'spl-1', type: 'vt-1', image: 'img-1', deleteOnTermination: true, tags: [{ key: 'env', value: 'test' }] }))
      .toEqual({ name: 'data', sizeGib: null, pool: 'spl-1', type: 'vt-1', image: 'img-1', deleteOnTermination: true, snapshot: null, tags: { env: 'test' } });
  });

  test('only what was changed is sent, and no type is said in the word of the API', () => {
    const first = editValues(volume({ type: ref('vt-1') }));
    expect(volumeUpdate(first, first)).toEqual({ name: null, sizeGib: null, type: null, deleteOnTermination: null, tags: null });
    expect(volumeUpdate({ name: 'logs', type: '', deleteOnTermination: true, tags: [{ key: 'env', value: 'test' }] }, first)).toEqual({ name: 'logs', sizeGib: null, type: 'none', deleteOnTermination: true, tags: { env: 'test' } });
    expect(fields(checkEdit({ ...first, name: 'a/b', tags: [{ key: '', value: '' }] }))).toEqual(['name', 'tags[0].key']);
    expect(volumeUpdate({ ...first, type: 'vt-2' }, first).type).toBe('vt-2');
  });

  test('a copy is not smaller, and has what was chosen', () => {
    const copy = { name: 'copy', sizeGib: '', type: 'vt-1', deleteOnTermination: true, tags: [{ key: 'env', value: 'test' }] };
    expect([checkCopiedSize('', 5), checkCopiedSize('5', 5), checkCopiedSize('4', 5)]).toEqual([null, null, { key: 'rule.between', values: { min: 5, max: 65_536 } }]);
    expect(fields(checkCopy({ ...copy, name: '', tags: [{ key: ' a', value: '' }] }, checkCopiedSize('x', 5)))).toEqual(['name', 'sizeGib', 'tags[0].key']);
    const asked = { name: 'copy', sizeGib: null, pool: null, type: 'vt-1', image: null, deleteOnTermination: true, snapshot: null, tags: { env: 'test' } };
    expect(copyRequest(copy, { volume: 'vol-1' })).toEqual({ ...asked, volume: 'vol-1' });
    expect(copyRequest({ ...copy, sizeGib: '9' }, { snapshot: 'snap-1' })).toEqual({ ...asked, sizeGib: 9, snapshot: 'snap-1' });
  });

  test('a volume only grows', () => {
    expect([checkSize('6', 5), checkSize('65536', 5)]).toEqual([null, null]);
    for (const text of ['', '5', '4', '65537', '6.5', 'x']) expect(checkSize(text, 5)).toEqual({ key: 'rule.between', values: { min: 6, max: 65_536 } });
  });
});

describe('volume types', () => {
  test('have a name and limits that may be left out', () => {
    expect(checkVolumeType({ name: 'fast', iops: '', mibPerSecond: '', encrypted: false })).toEqual([]);
    expect(fields(checkVolumeType({ name: 'none', iops: '0', mibPerSecond: '1000001', encrypted: false }))).toEqual(['name', 'iops', 'mibPerSecond']);
    expect(volumeTypeRequest({ name: 'fast', iops: '3000', mibPerSecond: '', encrypted: true })).toEqual({ name: 'fast', iops: 3000, mibPerSecond: null, encrypted: true });
  });
  test('are told in words', () => {
    const format = formatIn('ja');
    expect([limitsText(t, format, { iops: 3000, mibPerSecond: 125 }), limitsText(t, format, { iops: null, mibPerSecond: 125 }), limitsText(t, format, { iops: null, mibPerSecond: null })]).toEqual(['3,000 IOPS · 125 MiB/s', '125 MiB/s', 'No limit']);
  });
});

describe('pools', () => {
  test('warn from the share on that their operator chose', () => {
    expect([39, 40, 50].map((usedGib) => isNearlyFull(store({ usedGib }), pool()))).toEqual([false, true, true]);
    expect(isNearlyFull(store({ usedGib: 40 }), pool({ warnPercent: 81 }))).toBe(false);
  });

  test('tell what is most worth knowing', () => {
    const full = store({ usedGib: 45 });
    expect([pool(), pool({ stores: [store(), full] }), pool({ stores: [full], maintenance: true }), pool({ stores: [store({ hosts: [] })] }), pool({ stores: [store({ hosts: [] }), store()] }), pool({ stores: null })].map(stateOf))
      .toEqual(['available', 'nearlyFull', 'maintenance', 'unreached', 'available', 'available']);
  });

  test('promise what there is, times their over-commit', () => {
    expect([promisedMax(store(), pool()), promisedMax(store(), pool({ overcommit: 1.5 })), promisedMax(store({ capacityGib: 3 }), pool({ overcommit: 0.5 }))]).toEqual([50, 75, 1]);
    expect(sum([store(), store({ allocatedGib: 5 })], (s) => s.allocatedGib)).toBe(25);
  });

  test('are changed in what was changed, and an emptied list of accounts is all', () => {
    const first = poolValues(pool({ accounts: [ref('a-1')] }));
    expect(poolUpdate(first, first)).toEqual({ default: null, maintenance: null, overcommit: null, warnPercent: null, protocol: null, accounts: null });
    expect(poolUpdate({ default: true, maintenance: true, overcommit: '1.5', warnPercent: '90', protocol: 'iscsi', accounts: [] }, { ...first, default: false })).toEqual({ default: true, maintenance: true, overcommit: 1.5, warnPercent: 90, protocol: 'iscsi', accounts: [] });
    // There is always one default: it is not taken away, another becomes it.
    expect(poolUpdate({ ...first, default: false }, first).default).toBeNull();
    expect(fields(checkPool({ ...first, overcommit: '0', warnPercent: '101' }))).toEqual(['overcommit', 'warnPercent']);
  });

  test('numbers with decimals', () => {
    expect(['0.1', '1', '1.25', '100', '100.00'].map((text) => decimal(text, 0.1, 100))).toEqual([null, null, null, null, null]);
    expect(['', '0', '0.09', '100.1', '1.234', '1,5', '.5', '1.', '-1', '1e1', ' 1'].filter((text) => decimal(text, 0.1, 100) === null)).toEqual([]);
  });
});

test('one that moves is nobody’s meanwhile, and another place is another pool or host', () => {
  const moving = volume({ state: 'moving', movingTo: { pool: ref('spl-2'), host: ref('h-2') } });
  expect([canAttach(moving), canDetach({ ...moving, instance: ref('i-1') }), canDelete(moving), canMove(moving), isSettling(moving)]).toEqual([false, false, false, false, true]);
  expect([canMove(volume()), canMove(volume({ state: 'in-use', instance: ref('i-1') })), canMove(volume({ snapshots: 1 })), canMove(volume({ state: 'deleting' }))]).toEqual([true, true, false, false]);
  const at = { pool: ref('spl-1'), host: ref('h-1') };
  expect([{ pool: '', host: '' }, { pool: 'spl-1', host: '' }, { pool: 'spl-1', host: 'h-1' }, { pool: 'spl-1', host: 'h-2' }, { pool: 'spl-2', host: '' }].map((v) => fields(checkMove(v, at)).length)).toEqual([1, 1, 1, 0, 0]);
  expect(moveRequest({ pool: 'spl-2', host: '' })).toEqual({ pool: 'spl-2', host: null });
});

test('ids are no names, and events make stale what counts volumes', () => {
  const number = '19a3f2b4c5d6e7f80';
  expect(['vol', 'spl', 'vt', 'st', 'bk', 'bst', 'bsc'].map((prefix) => name(`${prefix}-${number}`)?.key)).toEqual(Array(7).fill('rule.nameIsId'));
  const event = (type: string) => ({ resource: { type, id: 'x', name: 'x' } }) as Event;
  expect([...staleAfter([event('volume')])].sort()).toEqual(['backups', 'events', 'hosts', 'pools', 'quotas', 'recoverable-volumes', 'snapshots', 'strays', 'volumes']);
  expect([...staleAfter([event('pool'), event('volume-type')])].sort()).toEqual(['events', 'pools', 'volume-types']);
});
