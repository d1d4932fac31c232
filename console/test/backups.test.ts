import { describe, expect, test } from 'vitest';
import { canDelete, checkRestore, isUsable, states } from '../src/backups/backups';

describe('backups', () => {
  test('are restored once they are whole, and deleted once', () => {
    expect(states.map((state) => [isUsable({ state }), canDelete({ state })])).toEqual([[false, true], [true, true], [false, false], [false, true]]);
  });

  test('a volume made from one has a name, and is not smaller', () => {
    expect(checkRestore({ name: 'back', sizeGib: '' }, 5)).toEqual([]);
    expect(checkRestore({ name: 'back', sizeGib: '5' }, 5)).toEqual([]);
    expect(checkRestore({ name: '', sizeGib: '4' }, 5).map((v) => v.field)).toEqual(['name', 'sizeGib']);
  });
});
