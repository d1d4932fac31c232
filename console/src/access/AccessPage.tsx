import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useStore } from '../ui/store';
import { tokens } from './access';
import { AccessKeyTable } from './AccessKeyTable';
import { MyRoles } from './MyRoles';
import { PasswordForm } from './PasswordForm';
import { SecondFactorPanel } from './SecondFactorPanel';
import { SessionTable } from './SessionTable';
import { TokenTable } from './TokenTable';

/** What one signs in with, and where one is signed in. */
export function AccessPage(): ReactNode {
  const t = useText();
  const { self } = useStore(session);
  const [search, setSearch] = useSearchParams();
  const all = useAll([tokens.key], tokens.list);
  const tab = (id: string, content: ReactNode) => ({ id, label: <span data-testid={`tab-${id}`}>{t.word('access.tab', id)}</span>, content });
  return (
    <Page trail={[{ text: t('access.title'), href: '/access' }]}>
      <SpaceBetween size="m">
        <Header variant="h1" description={t('access.about', { name: self?.name ?? '' })}>{t('access.title')}</Header>
        <ProblemAlert failure={all.error} />
        <Tabs
          activeTabId={search.get('tab') ?? 'sessions'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })}
          tabs={[
            tab('sessions', <SessionTable items={all.data?.filter((x) => x.kind === 'session')} />), tab('tokens', <TokenTable items={all.data?.filter((x) => x.kind !== 'session')} />),
            tab('access-keys', <AccessKeyTable />), tab('password', <PasswordForm />), tab('second-factor', <SecondFactorPanel />), tab('roles', <MyRoles />),
          ]}
        />
      </SpaceBetween>
    </Page>
  );
}
