import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Account } from '../api/types';
import { DomainField } from '../domains/DomainField';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { accounts, staleWithAccounts } from './accounts';

export function CreateAccountDialog({ domain, close }: { domain: string; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { name: '', domain }, check: (v) => violations(['name', name(v.name)]), send: (v) => accounts.create({ name: v.name, domain: v.domain === '' ? null : v.domain }),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      stale(staleWithAccounts);
      close();
    },
  });
  return (
    <FormDialog title={t('account.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} description={t('user.nameHint')} autoFocus testId="account-name" />
      <DomainField form={form} />
    </FormDialog>
  );
}

export function RenameAccountDialog({ account, close }: { account: Account; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { name: account.name }, check: (v) => violations(['name', name(v.name)]), send: (v) => accounts.update(account.id, { name: v.name, state: null, reason: null }),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'account.renamed', values: { name: made.name } } });
      stale(staleWithAccounts);
      close();
    },
  });
  return (
    <FormDialog title={t('account.renameTitle', { name: account.name })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="account-name" />
    </FormDialog>
  );
}
