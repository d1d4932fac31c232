import { describe, expect, test } from 'vitest';
import type { Image } from '../src/api/types';
import { accountsIn, checkImage, fileName, imageUpdate, imageValues, isMoving } from '../src/images/images';

const ref = (id: string) => ({ id, name: id });
const image = (more: Partial<Image> = {}): Image => ({
  id: 'img-1', name: 'tiny', account: ref('acme'), visibility: 'private', state: 'available', format: 'qcow2', sourceUrl: null, defaultUser: 'root', sizeBytes: 10, virtualSizeBytes: 20, sha256: null, receivedBytes: 0, expectedBytes: null,
  conditions: [], createdAt: '', description: '', os: '', minDiskGib: 0, minMemoryMib: 0, deprecatedAt: null, accounts: [], architecture: 'x86_64', firmware: 'bios', deviceModel: 'virtio', hosts: null, ...more,
});
const on = (state: string, prefetched: boolean) => ({ host: ref('h-1'), zone: ref('z-1'), state, bytes: 0, prefetched, condition: null });

describe('images', () => {
  test('are watched while bytes are to come, or a host is to have them', () => {
    expect([image(), image({ state: 'pending' }), image({ hosts: [on('cached', true), on('waiting', true)] }), image({ hosts: [on('fetching', false)] })].map(isMoving)).toEqual([false, true, true, false]);
  });

  test('of a change only what was changed is sent', () => {
    const first = imageValues(image({ accounts: [ref('beta')], deprecatedAt: '2026-01-02T00:00:00Z' }));
    const nothing = { name: null, description: null, os: null, minDiskGib: null, minMemoryMib: null, defaultUser: null, visibility: null, deprecated: null, accounts: null, architecture: null, firmware: null, deviceModel: null };
    expect(imageUpdate(first, first)).toEqual(nothing);
    expect(imageUpdate({ ...first, os: 'debian', minDiskGib: '10', deprecated: false, accounts: '' }, first)).toEqual({ ...nothing, os: 'debian', minDiskGib: 10, deprecated: false, accounts: [] });
    expect(accountsIn(' beta \n\nmy company\n')).toEqual(['beta', 'my company']);
  });

  test('are refused field by field', () => {
    const broken = checkImage({ ...imageValues(image()), name: '', description: 'x'.repeat(1001), os: 'x'.repeat(101), minDiskGib: '-1', minMemoryMib: '', defaultUser: 'a b' });
    expect(broken.map((v) => v.field)).toEqual(['name', 'description', 'os', 'minDiskGib', 'minMemoryMib', 'defaultUser']);
    expect(checkImage(imageValues(image()))).toEqual([]);
  });

  test('are files of their format', () => expect([fileName(image()), fileName(image({ name: 'Disk.QCOW2' })), fileName(image({ name: 'inst', format: 'iso' }))]).toEqual(['tiny.qcow2', 'Disk.QCOW2', 'inst.iso']));
});
