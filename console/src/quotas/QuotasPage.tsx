import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import type { Quota } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { session } from '../session/session';
import { Page } from '../ui/Page';
import { useStore } from '../ui/store';
import { WriteButton } from '../ui/WriteButton';
import { AskDialog } from './AskDialog';
import { OwnRequests } from './OwnRequests';
import { quotas } from './quotas';
import { QuotaTable } from './QuotaTable';

/** What the account may have and has, and what it asked for. */
export function QuotasPage(): ReactNode {
  const t = useText();
  const may = useMay();
  const { self } = useStore(session);
  const [asking, ask] = useState<Quota | null>(null);
  return (
    <Page trail={[{ text: t('quota.title'), href: '/quotas' }]}>
      <SpaceBetween size="l">
        <Header variant="h1" description={t('quota.about')}>{t('quota.title')}</Header>
        <Container>
          <QuotaTable
            title={t('quota.limits')} description={t('quota.limitsOf', { name: self?.actingFor.name ?? '' })} name="own" read={quotas.own}
            actions={(chosen) => [<WriteButton key="ask" needs="quota-requests:write" variant="primary" disabled={chosen === undefined || chosen.limit === null} onClick={() => chosen && ask(chosen)} data-testid="quota-ask">{t('quota.ask')}</WriteButton>]}
          />
        </Container>
        {may('quota-requests:read') && <Container><OwnRequests /></Container>}
      </SpaceBetween>
      {asking !== null && <AskDialog quota={asking} close={() => ask(null)} />}
    </Page>
  );
}
