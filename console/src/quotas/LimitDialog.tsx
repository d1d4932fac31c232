import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Quota, SetQuotas } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { useForm } from '../ui/useForm';
import { useAmount } from './amounts';
import { checkLimit, limitValues, setOf, staleWithQuotas, type LimitKind } from './quotas';

interface Props {
  of: string;
  quota: Pick<Quota, 'resource' | 'limit' | 'source'> & { used?: number };
  kinds: readonly LimitKind[];
  set: (body: SetQuotas) => Promise<unknown>;
  close: () => void;
}

/** Sets one limit of an account, of a domain, or of all accounts that have none of their own. */
export function LimitDialog({ of, quota, kinds, set, close }: Props): ReactNode {
  const t = useText();
  const stale = useStale();
  const amount = useAmount();
  const word = t.word('quota.resource', quota.resource);
  const first = limitValues(quota);
  const form = useForm({
    initial: kinds.includes(first.kind) ? first : { ...first, kind: kinds[kinds.length - 1] ?? 'none' },
    check: checkLimit, send: (v) => set(setOf(quota.resource, v)), place: (path) => (path.startsWith('limits') ? 'limit' : path),
    done: () => {
      notify({ type: 'success', saying: { key: 'quota.saved', values: { resource: word, name: of } } });
      stale(staleWithQuotas);
      close();
    },
  });
  const { kind, limit } = form.values;
  const below = kind === 'limit' && checkLimit(form.values).length === 0 && quota.used !== undefined && Number(limit) < quota.used;
  return (
    <FormDialog title={t('quota.setTitle', { resource: word, name: of })} action={t('ui.save')} form={form} close={close}>
      <FormField label={t('quota.limit')}>
        <RadioGroup value={kind} onChange={(e) => form.set('kind', e.detail.value as LimitKind)} items={kinds.map((k) => ({ value: k, label: t(`quota.kind.${k}`), controlId: `limit-${k}` }))} />
      </FormField>
      {kind === 'limit' && (
        <TextField
          form={form} field="limit" label={t('quota.limitOf', { resource: word })} inputMode="numeric" testId="quota-limit"
          constraintText={quota.used === undefined ? undefined : below ? t('quota.below', { used: amount(quota.resource, quota.used) }) : t('quota.usedNow', { used: amount(quota.resource, quota.used) })}
        />
      )}
    </FormDialog>
  );
}
