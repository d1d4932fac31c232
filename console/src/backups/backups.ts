import { answer, api } from '../api/client';
import type { Backup, CreateBackup, RestoreBackup } from '../api/types';
import { name, optional, violations, wholeNumber, type Violation } from '../ui/rules';
import { sizeMaxGib } from '../volumes/volumes';

const at = (id: string) => ({ params: { path: { backup: id } } });

export const backups = {
  key: 'backups',
  list: (query: { limit: number; cursor?: string; state?: string; volume?: string; name?: string }) => answer(api.GET('/api/v1/backups', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/backups/{backup}', at(id))),
  remove: (id: string) => answer(api.DELETE('/api/v1/backups/{backup}', at(id))),
  create: (volume: string, body: CreateBackup) => answer(api.POST('/api/v1/volumes/{volume}/backups', { params: { path: { volume } }, body })),
  restore: (id: string, body: RestoreBackup) => answer(api.POST('/api/v1/backups/{backup}/restore', { ...at(id), body })),
  verify: (id: string) => answer(api.POST('/api/v1/backups/{backup}/verify', at(id))),
  cancel: (id: string) => answer(api.POST('/api/v1/backups/{backup}/cancel', at(id))),
};

export const backupStores = {
  key: 'backup-stores',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/backup-stores', { params: { query } })),
};

/** What else shows something of a backup. */
export const staleWithBackups = ['backups', 'volumes'] as const;

export const states = ['creating', 'available', 'deleting', 'failed'] as const;

/** Only one that is whole, and not on its way out, can be restored and verified. */
export function isUsable(b: Pick<Backup, 'state'>): boolean {
  return b.state === 'available';
}

/** One that is being made can be given up: nothing of it is left. */
export function canCancel(b: Pick<Backup, 'state'>): boolean {
  return b.state === 'creating';
}

/** True while a host does something to it. */
export function isMoving(b: Pick<Backup, 'state' | 'work'>): boolean {
  return b.state === 'creating' || b.state === 'deleting' || b.work !== null;
}

/** One that is being made is given up. */
export function canDelete(b: Pick<Backup, 'state'>): boolean {
  return b.state !== 'deleting';
}

/** A new volume has a name, and is not smaller than the backup; left out it is as large. Without a default pool one is to be chosen. */
export function checkRestore(v: { readonly name: string; readonly sizeGib: string; readonly pool: string }, least: number, hasDefaultPool: boolean): Violation[] {
  return violations(
    ['name', name(v.name)], ['sizeGib', optional(v.sizeGib, (given) => wholeNumber(given, 1, sizeMaxGib) ?? (Number(given) < least ? { key: 'backup.sizeLeast', values: { least } } : null))],
    ['pool', v.pool === '' && !hasDefaultPool ? { key: 'rule.choose' } : null]);
}
