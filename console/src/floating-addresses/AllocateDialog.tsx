import type { ReactNode } from 'react';
import { addressPools } from '../address-pools/addressPools';
import { useAll } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { address, optional, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { floatingAddresses } from './floatingAddresses';

export function AllocateDialog({ close, done }: { close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const pools = useAll([addressPools.key], addressPools.list);
  const form = useForm({
    initial: { pool: '', address: '', description: '' }, check: (v) => violations(['address', optional(v.address, address)]),
    send: (v) => floatingAddresses.create({ pool: v.pool === '' ? null : v.pool, address: v.address === '' ? null : v.address, description: v.description === '' ? null : v.description }),
    done: () => { done(); close(); },
  });
  const options = (pools.data ?? []).map((p) => ({ value: p.id, label: p.name, description: `${p.ranges.join(', ')} · ${t('floatingAddress.poolFree', { count: format.number(p.free) })}` }));
  return (
    <FormDialog title={t('floatingAddress.allocate')} action={t('floatingAddress.allocateDo')} form={form} close={close}>
      <SelectField form={form} field="pool" label={t('floatingAddress.pool')} options={[{ value: '', label: t('floatingAddress.poolAny') }, ...options]} loading={pools.isPending} />
      <TextField form={form} field="address" label={t('instance.address')} description={t('floatingAddress.addressHint')} placeholder="203.0.113.7" optional testId="floating-address" />
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
