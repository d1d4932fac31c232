import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import { useState, type ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import type { Tariff } from '../api/types';
import { domains } from '../domains/domains';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { assignOf, checkAssign, monthsAround, scopes, tariffs, type AssignValues, type Scope } from './tariffs';

const monthsOffered = 14;

/** Gives a tariff to all, a domain or an account, from a month on. */
export function AssignDialog({ of, done, close }: { of: Tariff; done: (now: Tariff) => void; close: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const [months] = useState(() => monthsAround(Date.now(), monthsOffered));
  const everyAccount = useAll([accounts.key], accounts.list);
  const everyDomain = useAll([domains.key], domains.list);
  const form = useForm<AssignValues, Tariff>({
    initial: { scope: 'cloud', account: '', domain: '', month: months[1] ?? '' }, check: checkAssign, send: (v) => tariffs.assign(of.id, assignOf(v)),
    done: (now) => {
      notify({ type: 'success', saying: { key: 'tariff.assigned', values: { name: now.name } } });
      done(now);
      close();
    },
  });
  const { scope } = form.values;
  return (
    <FormDialog title={t('tariff.assignTitle', { name: of.name })} action={t('tariff.assign')} form={form} close={close}>
      <FormField label={t('tariff.scope')}>
        <RadioGroup value={scope} onChange={(e) => form.set('scope', e.detail.value as Scope)} items={scopes.map((value) => ({ value, label: t(`tariff.scope.${value}`), controlId: `scope-${value}` }))} />
      </FormField>
      {scope === 'account' && <SelectField form={form} field="account" label={t('shell.account')} options={(everyAccount.data ?? []).map((a) => ({ value: a.id, label: a.name, description: a.domain.name }))} loading={everyAccount.isPending} testId="tariff-account" />}
      {scope === 'domain' && <SelectField form={form} field="domain" label={t('account.domain')} options={(everyDomain.data ?? []).map((d) => ({ value: d.id, label: d.path }))} loading={everyDomain.isPending} testId="tariff-domain" />}
      <SelectField form={form} field="month" label={t('tariff.month')} options={months.map((value) => ({ value, label: format.month(value) }))} testId="tariff-month" />
    </FormDialog>
  );
}
