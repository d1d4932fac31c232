import type { ReactNode } from 'react';
import { AccountsField } from '../accounts/AccountsField';
import type { AddressPool } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { LinesField } from '../ui/LinesField';
import { listed } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { addressPools, blankPool, checkPool, poolValues, reservedList, type PoolValues } from './addressPools';

/** Makes a pool, or changes one. Its name stays. */
export function PoolDialog({ pool, close, done }: { pool?: AddressPool; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm<PoolValues, unknown>({
    initial: pool === undefined ? blankPool : poolValues(pool), check: checkPool,
    send: (v) => {
      const parts = { description: v.description, ranges: listed(v.ranges), excluded: listed(v.excluded), reserved: reservedList(v.reserved) };
      const chosen = v.accounts.length === 0 ? null : [...v.accounts];
      return pool === undefined ? addressPools.create({ ...parts, name: v.name, accounts: chosen }) : addressPools.update(pool.id, { ...parts, accounts: chosen, allAccounts: chosen === null ? true : null });
    },
    done: () => { done(); close(); },
  });
  const lines = (field: 'ranges' | 'excluded' | 'reserved', optional: boolean, placeholder: string) => (
    <LinesField form={form} field={field} label={t(`addressPool.${field}`)} description={t(`addressPool.${field}Hint`)} placeholder={placeholder} optional={optional} testId={`pool-${field}`} />
  );
  return (
    <FormDialog title={pool === undefined ? t('addressPool.create') : t('addressPool.editTitle', { name: pool.name })} action={t(pool === undefined ? 'ui.create' : 'ui.save')} form={form} close={close}>
      {pool === undefined && <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="pool-name" />}
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
      {lines('ranges', false, '203.0.113.0/26')}
      {lines('excluded', true, '203.0.113.32/28')}
      {lines('reserved', true, '203.0.113.5=acme')}
      <AccountsField form={form} description={t('addressPool.accountsHint')} testId="pool-accounts" />
    </FormDialog>
  );
}
