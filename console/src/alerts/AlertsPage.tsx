import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tabs from '@cloudscape-design/components/tabs';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { ContactTable } from '../contacts/ContactTable';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { Page } from '../ui/Page';
import { useStore } from '../ui/store';
import { AlertTable } from './AlertTable';
import type { Whose } from './alerts';

export function AccountAlertsPage(): ReactNode {
  const t = useText();
  const { self } = useStore(session);
  return <Alerts whose="account" path="/alerts" title={t('alert.title')} about={t('alert.about', { name: self?.actingFor.name ?? '' })} />;
}

export function CloudAlertsPage(): ReactNode {
  const t = useText();
  return <Alerts whose="cloud" path="/cloud-alerts" title={t('alert.cloudTitle')} about={t('alert.cloudAbout')} />;
}

/** What needs somebody, and who is told of it. */
function Alerts({ whose, path, title, about }: { whose: Whose; path: string; title: string; about: string }): ReactNode {
  const t = useText();
  const may = useMay();
  const [search, setSearch] = useSearchParams();
  const tabs = [
    { id: 'alerts', label: t('alert.title'), content: <AlertTable whose={whose} description={about} /> },
    ...(may(whose === 'cloud' ? 'cloud-contacts:read' : 'contacts:read', whose) ? [{ id: 'contacts', label: t('contact.title'), content: <ContactTable whose={whose} /> }] : []),
  ];
  return (
    <Page trail={[{ text: title, href: path }]}>
      <SpaceBetween size="m">
        <Header variant="h1">{title}</Header>
        <Tabs activeTabId={search.get('tab') ?? 'alerts'} onChange={(e) => setSearch({ tab: e.detail.activeTabId }, { replace: true })} tabs={tabs.map((tab) => ({ ...tab, label: <span data-testid={`tab-${tab.id}`}>{tab.label}</span> }))} />
      </SpaceBetween>
    </Page>
  );
}
