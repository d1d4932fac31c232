import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useParams } from 'react-router';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { Page } from '../ui/Page';
import { pageOf } from '../ui/ResourceLink';
import { RouteLink } from '../ui/RouteLink';
import { SpanTable } from './SpanTable';

/** The trace of a resource, also of one that is long gone. */
export function UsageTracePage(): ReactNode {
  const t = useText();
  const may = useMay();
  const id = useParams()['id'] ?? '';
  const page = pageOf(id);
  const title = t('usage.trace', { name: id });
  return (
    <Page trail={[{ text: t('usage.title'), href: '/usage' }, { text: id, href: `/usage/${id}` }]}>
      <SpaceBetween size="l">
        <Header
          variant="h1"
          actions={
            <SpaceBetween direction="horizontal" size="m">
              {page !== null && <RouteLink to={page}>{t('usage.toResource')}</RouteLink>}
              {may('events:read') && <RouteLink to={`/events?resource=${encodeURIComponent(id)}`}>{t('usage.toEvents')}</RouteLink>}
            </SpaceBetween>
          }
        >
          {title}
        </Header>
        <Container><SpanTable resource={id} /></Container>
      </SpaceBetween>
    </Page>
  );
}
