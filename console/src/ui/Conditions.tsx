import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useEffect, useState, type ReactNode } from 'react';
import type { Condition } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';

/** What keeps a resource from its desired state, why, and when it is tried again. */
export function Conditions({ conditions }: { conditions: readonly Condition[] }): ReactNode {
  const t = useText();
  const format = useFormat();
  const now = useNow(conditions.some((c) => c.nextTryAt !== null));
  if (conditions.length === 0) return <Box color="text-body-secondary">{t('ui.conditionsNone')}</Box>;
  return (
    <SpaceBetween size="s">
      {conditions.map((c) => (
        <div key={c.type + c.reason}>
          <StatusIndicator type="warning" wrapText>{c.message}</StatusIndicator>
          <Box fontSize="body-s" color="text-body-secondary">
            {c.type} / {c.reason} · {t('ui.condition.since', { time: format.dateTime(c.since) })}
            {c.nextTryAt !== null && <> · {t('ui.condition.next', { when: format.fromNow(c.nextTryAt, now) })}</>}
          </Box>
        </div>
      ))}
    </SpaceBetween>
  );
}

function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [ticking]);
  return now;
}
