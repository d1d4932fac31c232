import Alert from '@cloudscape-design/components/alert';
import type { ReactNode } from 'react';
import { useText } from '../../i18n/text';

export function NotRunning({ state }: { state: string }): ReactNode {
  const t = useText();
  return <Alert type="info">{t('console.notRunning', { state: t.word('instance.state', state) })}</Alert>;
}
