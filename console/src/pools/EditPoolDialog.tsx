import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import { useState, type ReactNode } from 'react';
import { AccountsField } from '../accounts/AccountsField';
import type { Pool } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkPool, poolProtocols, pools, poolUpdate, poolValues } from './pools';

export function EditPoolDialog({ pool, close, done }: { pool: Pool; close: () => void; done: (changed: Pool) => void }): ReactNode {
  const t = useText();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => poolValues(pool));
  const form = useForm({
    initial: first, check: checkPool, send: (v) => pools.update(pool.id, poolUpdate(v, first)),
    done: (changed) => { done(changed); close(); },
  });
  const v = form.values;
  return (
    <FormDialog title={t('pool.editTitle', { name: pool.name })} action={t('ui.save')} form={form} close={close}>
      <FormField label={t('pool.defaultLabel')} errorText={form.errorOf('default')}>
        <Checkbox checked={v.default} disabled={first.default} onChange={(e) => form.set('default', e.detail.checked)} description={t(first.default ? 'pool.defaultStays' : 'pool.defaultHint')} data-testid="pool-default">{t('pool.defaultSet')}</Checkbox>
      </FormField>
      <FormField label={t('pool.maintenance')} errorText={form.errorOf('maintenance')}>
        <Checkbox checked={v.maintenance} onChange={(e) => form.set('maintenance', e.detail.checked)} description={t('pool.maintenanceHint')} data-testid="pool-maintenance">{t('pool.maintenanceSet')}</Checkbox>
      </FormField>
      <TextField form={form} field="overcommit" label={t('pool.overcommit')} description={t('pool.overcommitHint')} inputMode="decimal" testId="pool-overcommit" />
      <TextField form={form} field="warnPercent" label={t('pool.warnPercent')} description={t('pool.warnHint')} inputMode="numeric" testId="pool-warn" />
      <SelectField form={form} field="protocol" label={t('pool.protocol')} description={t('pool.protocolHint')} options={poolProtocols.map((value) => ({ value, label: t(`pool.protocol.${value}`) }))} testId="pool-protocol" />
      <AccountsField form={form} description={t('pool.accountsHint')} testId="pool-accounts" />
    </FormDialog>
  );
}
