import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Alert } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { alerts, noteMax, staleWithAlerts, type Whose } from './alerts';

/** Says that somebody looks after alerts, and perhaps how. */
export function AcknowledgeDialog({ whose, items, close }: { whose: Whose; items: readonly Alert[]; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { note: '' }, check: (v) => violations(['note', v.note.length > noteMax ? { key: 'rule.tooLong', values: { max: noteMax } } : null]),
    send: async (v) => {
      // Those that were acknowledged before one failed are; doing it again changes nothing for them.
      for (const one of items) await alerts[whose].acknowledge(one.id, v.note.trim() === '' ? null : v.note.trim());
    },
    done: () => {
      notify({ type: 'success', saying: { key: 'alert.acknowledged', values: { count: items.length } } });
      stale(staleWithAlerts);
      close();
    },
  });
  return (
    <FormDialog title={t('alert.acknowledgeTitle', { count: items.length })} action={t('alert.acknowledge')} form={form} close={close}>
      <div>{t('alert.acknowledgeHint')}</div>
      <TextField form={form} field="note" label={t('alert.note')} constraintText={t('alert.noteHint')} optional autoFocus testId="alert-note" />
    </FormDialog>
  );
}
