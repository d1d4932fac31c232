import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import type { ReactNode } from 'react';
import type { Event } from '../api/types';
import { useText } from '../i18n/text';
import { readChanges, valueText } from './events';

/** What an event says beside its columns: its message, and what it changed behind a click. */
export function EventDetails({ event }: { event: Event }): ReactNode {
  const t = useText();
  const changes = readChanges(event.changes);
  return (
    <div>
      {event.message}
      {changes.length > 0 && (
        <ExpandableSection variant="footer" headerText={t('event.changes')}>
          <table className="kumoi-changes">
            <thead><tr><th scope="col">{t('event.field')}</th><th scope="col">{t('event.before')}</th><th scope="col">{t('event.after')}</th></tr></thead>
            <tbody>{changes.map((c) => <tr key={c.field}><th scope="row">{c.field}</th><td><code>{valueText(c.before)}</code></td><td><code>{valueText(c.after)}</code></td></tr>)}</tbody>
          </table>
        </ExpandableSection>
      )}
      {event.message === null && changes.length === 0 && <Box color="text-status-inactive">-</Box>}
    </div>
  );
}
