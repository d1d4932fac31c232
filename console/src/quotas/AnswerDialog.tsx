import FormField from '@cloudscape-design/components/form-field';
import Textarea from '@cloudscape-design/components/textarea';
import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { QuotaRequest } from '../api/types';
import { useText } from '../i18n/text';
import { Label } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { useAmount } from './amounts';
import { quotaRequests, reasonMax, staleWithQuotas } from './quotas';

/** Grants or refuses what an account asked for. */
export function AnswerDialog({ request: r, grant, close }: { request: QuotaRequest; grant: boolean; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const amount = useAmount();
  const form = useForm({
    initial: { answer: '' },
    check: (v) => violations(['answer', v.answer.length > reasonMax ? { key: 'rule.tooLong', values: { max: reasonMax } } : null]),
    send: (v) => quotaRequests.answer(r.id, grant, v.answer),
    done: () => {
      notify({ type: 'success', saying: { key: grant ? 'quota.granted' : 'quota.refused', values: { name: r.account.name } } });
      stale(staleWithQuotas);
      close();
    },
  });
  return (
    <FormDialog title={t(grant ? 'quota.grantTitle' : 'quota.refuseTitle', { name: r.account.name })} action={t(grant ? 'quota.grant' : 'quota.refuse')} form={form} close={close}>
      <div>{t(grant ? 'quota.grantBody' : 'quota.refuseBody', { resource: t.word('quota.resource', r.resource), limit: amount(r.resource, r.limit) })}</div>
      {r.reason !== '' && <div>{t('quota.because', { user: r.askedBy, reason: r.reason })}</div>}
      <FormField label={<Label text={t('quota.answer')} optional />} description={t('quota.answerHint')} errorText={form.errorOf('answer')} stretch>
        <Textarea value={form.values.answer} rows={3} onChange={(e) => form.set('answer', e.detail.value)} nativeTextareaAttributes={{ 'data-testid': 'request-answer' }} />
      </FormField>
    </FormDialog>
  );
}
