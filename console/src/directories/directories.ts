import { answer, api } from '../api/client';
import type { CreateDirectory, GroupRole, UpdateDirectory, UserDirectory } from '../api/types';
import { name, required, violations, type Violation } from '../ui/rules';

export const directories = {
  key: 'directories',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/directories', { params: { query } })),
  create: (body: CreateDirectory) => answer(api.POST('/api/v1/directories', { body })),
  update: (id: string, body: UpdateDirectory) => answer(api.PUT('/api/v1/directories/{directory}', { params: { path: { directory: id } }, body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/directories/{directory}', { params: { path: { directory: id } } })),
};

export const kinds = ['ldap', 'oidc'] as const;
export type Kind = (typeof kinds)[number];

/** Whether the login page offers it: as is usual in its domain, to everybody, or only by its address. */
export const listings = ['default', 'yes', 'no'] as const;

export interface DirectoryValues {
  readonly name: string;
  readonly kind: Kind;
  readonly url: string;
  readonly bindDn: string;
  readonly bindPassword: string;
  readonly baseDn: string;
  readonly userFilter: string;
  readonly title: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: string;
  readonly nameClaim: string;
  readonly groupsClaim: string;
  readonly listed: string;
  /** Empty: the caller's own. */
  readonly domain: string;
  /** Empty: none. */
  readonly account: string;
  readonly defaultRole: string;
  readonly groupRoles: readonly GroupRole[];
}

export const noDirectory: DirectoryValues = {
  name: '', kind: 'ldap', url: '', bindDn: '', bindPassword: '', baseDn: '', userFilter: '', title: '', clientId: '', clientSecret: '', scopes: '', nameClaim: '', groupsClaim: '', listed: listings[0], domain: '', account: '', defaultRole: '', groupRoles: [],
};

export function checkDirectory(v: DirectoryValues): Violation[] {
  const [scheme, wrong] = v.kind === 'ldap' ? (['ldaps:', 'directory.urlWrong'] as const) : (['https:', 'directory.issuerWrong'] as const);
  const url = URL.canParse(v.url) ? new URL(v.url) : null;
  return [
    ...violations(['name', name(v.name)], ['url', url?.protocol === scheme && url.host !== '' && url.username === '' ? null : { key: wrong }]),
    ...(v.kind === 'ldap' ? violations(['bindPassword', v.bindDn === '' ? null : required(v.bindPassword)], ['baseDn', required(v.baseDn)]) : violations(['clientId', required(v.clientId)])),
    ...checkRoles(v, v.account),
  ];
}

interface Roles {
  readonly defaultRole: string;
  readonly groupRoles: readonly GroupRole[];
}

/** Roles are given in an account; the field is told that has to change if there is none. */
export function checkRoles(v: Roles, account: string, field = 'account'): Violation[] {
  const roles = v.defaultRole !== '' || v.groupRoles.length > 0;
  return violations(
    [field, roles && account === '' ? { key: 'directory.needsAccount' } : null],
    ...v.groupRoles.flatMap(({ group, role }, at) => [[`groupRoles[${at}].group`, required(group)] as const, [`groupRoles[${at}].role`, required(role)] as const]));
}

const given = (text: string) => (text.trim() === '' ? null : text.trim());
const trimmed = (rows: readonly GroupRole[]) => rows.map(({ group, role }) => ({ group: group.trim(), role: role.trim() }));

/** Only what its kind has is sent, whatever was typed before the kind was chosen. */
export function directoryOf(v: DirectoryValues): CreateDirectory {
  const ldap = v.kind === 'ldap';
  return {
    name: v.name, url: v.url.trim(), domain: given(v.domain), account: given(v.account), defaultRole: given(v.defaultRole), groupRoles: v.groupRoles.length === 0 ? null : trimmed(v.groupRoles),
    bindDn: ldap ? given(v.bindDn) : null, bindPassword: ldap && v.bindDn.trim() !== '' ? v.bindPassword : null, baseDn: ldap ? v.baseDn.trim() : null, userFilter: ldap ? given(v.userFilter) : null,
    openId: ldap ? null : {
      title: given(v.title), clientId: v.clientId.trim(), clientSecret: v.clientSecret === '' ? null : v.clientSecret, scopes: given(v.scopes), nameClaim: given(v.nameClaim), groupsClaim: given(v.groupsClaim),
      listed: v.listed === listings[0] ? null : v.listed === 'yes',
    },
  };
}

export interface DirectoryChanges extends Roles {
  /** Empty: as it is. */
  readonly secret: string;
  readonly title: string;
  readonly listed: string;
}

export function changesOf(d: UserDirectory): DirectoryChanges {
  return { secret: '', title: d.openId?.title ?? '', listed: d.openId?.listed ? 'yes' : 'no', defaultRole: d.defaultRole ?? '', groupRoles: d.groupRoles };
}

/** Only what was changed is sent: somebody else may change the rest. */
export function directoryUpdate(v: DirectoryChanges, first: DirectoryChanges): UpdateDirectory {
  return {
    secret: v.secret === '' ? null : v.secret, title: v.title === first.title ? null : v.title.trim(), listed: v.listed === first.listed ? null : v.listed === 'yes', defaultRole: v.defaultRole === first.defaultRole ? null : v.defaultRole.trim(),
    groupRoles: JSON.stringify(v.groupRoles) === JSON.stringify(first.groupRoles) ? null : trimmed(v.groupRoles),
  };
}
