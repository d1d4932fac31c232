import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { RouteLink } from '../ui/RouteLink';
import { recoverable } from './strays';

/** Says that there are volumes to take back; nothing while there are none. */
export function FoundAgain(): ReactNode {
  const t = useText();
  const { data } = useAll([recoverable.key], recoverable.list);
  if (data === undefined || data.length === 0) return null;
  return (
    <Box padding={{ bottom: 'm' }}>
      <Alert type="info" data-testid="volumes-found-again">{t('recover.found', { count: data.length })} <RouteLink to="/recoverable-volumes">{t('recover.look')}</RouteLink></Alert>
    </Box>
  );
}
