import type { ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { Stray } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, optional, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { staleWithStrays, strays } from './strays';

/** Makes a stray a volume of an account: by default of the one that it was of, by the name that it had. */
export function AdoptStrayDialog({ stray, close }: { stray: Stray; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const all = useAll([accounts.key], accounts.list);
  const form = useForm({
    initial: { account: '', name: '' }, check: (v) => violations(['name', optional(v.name, name)]),
    send: (v) => strays.adopt(stray.host.id, stray.id, { account: v.account === '' ? null : v.account, name: v.name === '' ? null : v.name }),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'stray.adoptNotice', values: { name: made.name, account: made.account.name } } });
      stale(staleWithStrays);
      close();
    },
  });
  const byDefault = { value: '', label: stray.account === null ? t('stray.accountOwn') : t('stray.accountFormer', { name: stray.account.name }) };
  return (
    <FormDialog title={t('stray.adoptTitle', { id: stray.id })} action={t('stray.adopt')} form={form} close={close}>
      <SelectField form={form} field="account" label={t('stray.account')} loading={all.isPending} options={[byDefault, ...(all.data ?? []).map((a) => ({ value: a.id, label: a.name }))]} testId="stray-account" />
      <TextField form={form} field="name" label={t('ui.name')} constraintText={t('stray.nameHint', { name: stray.name ?? stray.id })} optional testId="stray-name" />
      <div>{t('stray.adoptAbout')}</div>
    </FormDialog>
  );
}
