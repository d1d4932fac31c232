import type { ReactNode } from 'react';
import { useStale } from '../api/stale';
import type { Domain } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { domains, staleWithDomains } from './domains';

export function CreateDomainDialog({ parent, all, close }: { parent: Domain | undefined; all: readonly Domain[]; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { name: '', parent: parent?.path ?? '' }, check: (v) => violations(['name', name(v.name)], ['parent', v.parent === '' ? { key: 'rule.choose' } : null]), send: domains.create,
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.path } } });
      stale(staleWithDomains);
      close();
    },
  });
  return (
    <FormDialog title={t('domain.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="domain-name" />
      <SelectField form={form} field="parent" label={t('domain.parent')} options={[...all].sort((a, b) => a.path.localeCompare(b.path)).map((d) => ({ value: d.path, label: d.path }))} testId="domain-parent" />
    </FormDialog>
  );
}

export function RenameDomainDialog({ domain, close }: { domain: Domain; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const form = useForm({
    initial: { name: domain.name }, check: (v) => violations(['name', name(v.name)]), send: (v) => domains.update(domain.id, v),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'domain.renamed', values: { name: made.path } } });
      stale(staleWithDomains);
      close();
    },
  });
  return (
    <FormDialog title={t('domain.renameTitle', { name: domain.path })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} description={t('domain.renameHint')} autoFocus testId="domain-name" />
    </FormDialog>
  );
}
