import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useRouteError } from 'react-router';
import { useText } from '../i18n/text';
import { RouteLink } from '../ui/RouteLink';

export function NotFoundPage(): ReactNode {
  const t = useText();
  return (
    <Box textAlign="center" padding="xxl">
      <SpaceBetween size="m">
        <Box variant="h1">{t('ui.notFound')}</Box>
        <Box>{t('ui.notFoundHint')}</Box>
        <RouteLink to="/">{t('ui.toDashboard')}</RouteLink>
      </SpaceBetween>
    </Box>
  );
}

/** A fault of the console itself, or a part of it that could not be loaded (after an upgrade, say). */
export function CrashPage(): ReactNode {
  const t = useText();
  const error = useRouteError();
  return (
    <Box textAlign="center" padding="xxl">
      <SpaceBetween size="m">
        <Box variant="h1">{t('ui.crashed')}</Box>
        <Box color="text-status-inactive"><code>{error instanceof Error ? error.message : String(error)}</code></Box>
        <Button onClick={() => window.location.reload()}>{t('ui.reload')}</Button>
      </SpaceBetween>
    </Box>
  );
}
