import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import { useState, type ReactNode } from 'react';
import { AccountsField } from '../accounts/AccountsField';
import { useStale } from '../api/stale';
import type { HostPool } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { useForm } from '../ui/useForm';
import { checkHostPool, hostPoolOf, hostPools, hostPoolUpdate, hostPoolValues, noHostPool, staleWithHostPools } from './hostPools';

/** Makes a pool, or changes one: what its hosts offer, and whose they are. */
export function HostPoolDialog({ pool, close }: { pool: HostPool | null; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  // What it was when the dialog opened: live updates must not change what counts as a change.
  const [first] = useState(() => (pool === null ? noHostPool : hostPoolValues(pool)));
  const form = useForm({
    initial: first, check: checkHostPool, send: (v) => (pool === null ? hostPools.create(hostPoolOf(v)) : hostPools.update(pool.id, hostPoolUpdate(v, first))),
    done: (now) => {
      notify({ type: 'success', saying: { key: pool === null ? 'ui.created.notice' : 'hostPool.saved', values: { name: now.name } } });
      stale(staleWithHostPools);
      close();
    },
  });
  return (
    <FormDialog title={pool === null ? t('hostPool.create') : t('hostPool.editTitle', { name: pool.name })} action={t(pool === null ? 'ui.create' : 'ui.save')} form={form} close={close}>
      {pool === null && <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="host-pool-name" />}
      <TextField form={form} field="description" label={t('ui.description')} optional testId="host-pool-description" />
      <FormField label={t('hostPool.for')} {...(pool === null ? {} : { description: t('hostPool.takenStays') })}>
        <RadioGroup value={form.values.whom} onChange={(e) => form.set('whom', e.detail.value === 'all' ? 'all' : 'some')} items={(['all', 'some'] as const).map((value) => ({ value, label: t(`hostPool.for.${value}`), controlId: `host-pool-${value}` }))} />
      </FormField>
      {form.values.whom === 'some' && <AccountsField form={form} description={t('hostPool.accountsHint')} none={t('hostPool.nobody')} testId="host-pool-accounts" />}
      <TextField form={form} field="cpuOvercommit" label={t('hostPool.cpu')} description={t('hostPool.cpuHint')} {...(pool === null ? { constraintText: t('hostPool.cpuDefault'), optional: true } : {})} inputMode="decimal" testId="host-pool-cpu" />
      <TextField form={form} field="memoryOvercommit" label={t('hostPool.memory')} description={t('hostPool.memoryHint')} inputMode="decimal" testId="host-pool-memory" />
    </FormDialog>
  );
}
