import type { ReactNode } from 'react';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { RoleName } from '../roles/RoleName';
import { session } from '../session/session';
import { ShortTable } from '../ui/ShortTable';
import { useStore } from '../ui/store';

/** All of one's own roles, and where each holds. */
export function MyRoles(): ReactNode {
  const t = useText();
  const format = useFormat();
  const { self } = useStore(session);
  return (
    <ShortTable
      title={t('access.tab.roles')} description={t('access.rolesAbout')} empty={t('access.rolesEmpty')} labelOf={(m) => m.role}
      items={self?.memberships.map((m) => ({ ...m, id: m.account?.id ?? m.domain?.id ?? '' }))}
      columns={[
        { id: 'of', header: t('role.of'), isRowHeader: true, cell: (m) => (m.domain === null ? t('role.ofAccount', { name: m.account?.name ?? '' }) : t('role.ofDomain', { name: m.domain.name })) },
        { id: 'role', header: t('role.one'), cell: (m) => <RoleName name={m.role} /> },
        { id: 'since', header: t('member.since'), cell: (m) => format.dateTime(m.createdAt) },
      ]}
    />
  );
}
