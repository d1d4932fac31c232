import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { accountMembers } from './members';
import { MemberTable } from './MemberTable';

export function MembersPage(): ReactNode {
  const t = useText();
  return <Page trail={[{ text: t('member.title'), href: '/members' }]}><MemberTable members={accountMembers} place="account" title={t('member.title')} description={t('member.about')} /></Page>;
}
