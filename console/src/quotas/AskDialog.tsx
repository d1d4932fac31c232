import FormField from '@cloudscape-design/components/form-field';
import Textarea from '@cloudscape-design/components/textarea';
import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Quota } from '../api/types';
import { useText } from '../i18n/text';
import { Label, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { useForm } from '../ui/useForm';
import { useAmount } from './amounts';
import { checkAsked, quotaRequests, staleWithQuotas } from './quotas';

/** Asks those who administer the account's domain for more. */
export function AskDialog({ quota, close }: { quota: Quota; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const amount = useAmount();
  const word = t.word('quota.resource', quota.resource);
  const form = useForm({
    initial: { resource: quota.resource, limit: '', reason: '' },
    check: (v) => checkAsked(v, quota),
    send: (v) => quotaRequests.create({ resource: v.resource, limit: Number(v.limit), reason: v.reason }),
    done: () => {
      notify({ type: 'success', saying: { key: 'quota.asked', values: { resource: word } } });
      stale(staleWithQuotas);
      close();
    },
  });
  return (
    <FormDialog title={t('quota.askTitle', { resource: word })} action={t('quota.askDo')} form={form} close={close}>
      <TextField
        form={form} field="limit" label={t('quota.limitAsked')} inputMode="numeric" autoFocus testId="ask-limit"
        description={t('quota.now', { limit: quota.limit === null ? t('quota.kind.none') : amount(quota.resource, quota.limit), used: amount(quota.resource, quota.used) })} constraintText={t.word('quota.unit', quota.resource) === quota.resource ? undefined : t.word('quota.unit', quota.resource)}
      />
      <FormField label={<Label text={t('quota.reason')} optional />} description={t('quota.reasonHint')} errorText={form.errorOf('reason')} stretch>
        <Textarea value={form.values.reason} rows={3} onChange={(e) => form.set('reason', e.detail.value)} nativeTextareaAttributes={{ 'data-testid': 'ask-reason' }} />
      </FormField>
    </FormDialog>
  );
}
