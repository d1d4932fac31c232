import { answer, api } from '../api/client';
import type { CreateDirectory, GroupRole } from '../api/types';
import { name, required, violations, type Violation } from '../ui/rules';

export const directories = {
  key: 'directories',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/directories', { params: { query } })),
  create: (body: CreateDirectory) => answer(api.POST('/api/v1/directories', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/directories/{directory}', { params: { path: { directory: id } } })),
};

export interface DirectoryValues {
  readonly name: string;
  readonly url: string;
  readonly bindDn: string;
  readonly bindPassword: string;
  readonly baseDn: string;
  readonly userFilter: string;
  /** Empty: the caller's own. */
  readonly domain: string;
  /** Empty: none. */
  readonly account: string;
  readonly defaultRole: string;
  readonly groupRoles: readonly GroupRole[];
}

export const noDirectory: DirectoryValues = { name: '', url: 'ldaps://', bindDn: '', bindPassword: '', baseDn: '', userFilter: '', domain: '', account: '', defaultRole: '', groupRoles: [] };

export function checkDirectory(v: DirectoryValues): Violation[] {
  const url = URL.canParse(v.url) ? new URL(v.url) : null;
  const roles = v.defaultRole !== '' || v.groupRoles.length > 0;
  return violations(
    ['name', name(v.name)], ['url', url?.protocol === 'ldaps:' && url.host !== '' && url.username === '' ? null : { key: 'directory.urlWrong' }], ['bindPassword', v.bindDn === '' ? null : required(v.bindPassword)], ['baseDn', required(v.baseDn)],
    ['account', roles && v.account === '' ? { key: 'directory.needsAccount' } : null],
    ...v.groupRoles.flatMap(({ group, role }, at) => [[`groupRoles[${at}].group`, required(group)] as const, [`groupRoles[${at}].role`, required(role)] as const]));
}

export function directoryOf(v: DirectoryValues): CreateDirectory {
  const given = (text: string) => (text.trim() === '' ? null : text.trim());
  return {
    name: v.name, url: v.url.trim(), bindDn: given(v.bindDn), bindPassword: v.bindDn.trim() === '' ? null : v.bindPassword, baseDn: v.baseDn.trim(), userFilter: given(v.userFilter), domain: given(v.domain), account: given(v.account), defaultRole: given(v.defaultRole),
    groupRoles: v.groupRoles.length === 0 ? null : v.groupRoles.map(({ group, role }) => ({ group: group.trim(), role: role.trim() })),
  };
}
