import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { useAmount } from './amounts';
import { LimitDialog } from './LimitDialog';
import { quotaDefaults } from './quotas';

/** The limits of all accounts that have none of their own. */
export function QuotaDefaultsPage(): ReactNode {
  const t = useText();
  const amount = useAmount();
  const { data, error } = useQuery({ queryKey: [quotaDefaults.key], queryFn: quotaDefaults.list, refetchInterval: resyncMs });
  const [chosen, choose] = useState<string | null>(null);
  const [setting, setSetting] = useState(false);
  const rows = data?.items.map((q) => ({ ...q, id: q.resource }));
  const selected = rows?.find((q) => q.id === chosen);
  return (
    <Page trail={[{ text: t('quota.defaults'), href: '/quota-defaults' }]}>
      <SpaceBetween size="l">
        <Header variant="h1" description={t('quota.defaultsAbout')}>{t('quota.defaults')}</Header>
        <Container>
          <ShortTable
            title={t('quota.limits')} items={rows} error={error} empty={t('ui.noMatch')} selected={selected} select={(q) => choose(q?.id ?? null)} labelOf={(q) => t.word('quota.resource', q.resource)}
            actions={[<WriteButton key="set" needs="quota-defaults:write" reach="cloud" disabled={selected === undefined} onClick={() => setSetting(true)} data-testid="quota-set">{t('quota.set')}</WriteButton>]}
            columns={[
              { id: 'resource', header: t('quota.resource'), isRowHeader: true, cell: (q) => t.word('quota.resource', q.resource) },
              { id: 'limit', header: t('quota.limit'), cell: (q) => (q.limit === null ? t('quota.kind.none') : amount(q.resource, q.limit)) },
            ]}
          />
        </Container>
      </SpaceBetween>
      {setting && selected && (
        <LimitDialog of={t('quota.allAccounts')} quota={{ ...selected, source: 'account' }} kinds={['limit', 'none']} set={quotaDefaults.set} close={() => setSetting(false)} />
      )}
    </Page>
  );
}
