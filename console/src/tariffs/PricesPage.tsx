import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import { ProblemError } from '../api/problem';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { Loading } from '../ui/Loading';
import { Page } from '../ui/Page';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useStore } from '../ui/store';
import { PriceTable, useTerms } from './PriceTable';
import { tariffs } from './tariffs';

/** What the account pays for what. */
export function PricesPage(): ReactNode {
  const t = useText();
  const terms = useTerms();
  const { self } = useStore(session);
  const { data, error, isPending } = useQuery({ queryKey: [tariffs.key, 'current'], queryFn: tariffs.current, refetchInterval: resyncMs });
  const none = error instanceof ProblemError && error.problem.code === 'no-tariff';
  return (
    <Page trail={[{ text: t('tariff.own'), href: '/prices' }]}>
      <SpaceBetween size="l">
        <Header variant="h1" description={t('tariff.ownAbout', { name: self?.actingFor.name ?? '' })}>{t('tariff.own')}</Header>
        {none ? <Alert type="info">{t('tariff.ownNone')}</Alert> : <ProblemAlert failure={error} />}
        {isPending && <Loading />}
        {data !== undefined && !none && (
          <>
            <Container><KeyValuePairs columns={4} minColumnWidth={160} items={terms(data)} /></Container>
            <Container><PriceTable of={data} /></Container>
          </>
        )}
      </SpaceBetween>
    </Page>
  );
}
