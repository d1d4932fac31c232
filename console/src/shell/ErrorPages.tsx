import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useRouteError } from 'react-router';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { ProblemAlert } from '../ui/ProblemAlert';
import { useStore } from '../ui/store';
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

/** A page that takes a permission which the user lacks in the account acted for. */
export function NotAllowedPage({ needs }: { needs: string }): ReactNode {
  const t = useText();
  const { self } = useStore(session);
  return (
    <Box textAlign="center" padding="xxl" data-testid="not-allowed">
      <SpaceBetween size="m">
        <Box variant="h1">{t('shell.notAllowed', { name: self?.actingFor.name ?? '' })}</Box>
        <Box>{t('shell.notAllowedHint', { permission: needs })}</Box>
        <RouteLink to="/">{t('ui.toDashboard')}</RouteLink>
      </SpaceBetween>
    </Box>
  );
}

/** It is not known what the user may, so nothing can be offered. */
export function UnknownSelfPage({ error, retry }: { error: Error; retry: () => void }): ReactNode {
  const t = useText();
  return (
    <Box padding="xxl">
      <SpaceBetween size="m">
        <Box variant="h1">{t('session.unknown')}</Box>
        <ProblemAlert failure={error} />
        <SpaceBetween direction="horizontal" size="xs">
          <Button variant="primary" onClick={retry}>{t('ui.reload')}</Button>
          <Button onClick={() => session.end(null)}>{t('shell.logOut')}</Button>
        </SpaceBetween>
      </SpaceBetween>
    </Box>
  );
}
