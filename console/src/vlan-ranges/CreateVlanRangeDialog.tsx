import type { ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { device, violations, vlans } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { vlanRanges } from './vlanRanges';

/** Gives an account VLANs in which it makes bridged networks. */
export function CreateVlanRangeDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const all = useAll([accounts.key], accounts.list);
  const form = useForm({
    initial: { account: '', device: '', vlans: '' },
    check: (v) => violations(['account', v.account === '' ? { key: 'rule.choose' } : null], ['device', v.device === '' ? { key: 'rule.required' } : device(v.device)], ['vlans', vlans(v.vlans)]),
    send: vlanRanges.create,
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('vlanRange.create')} action={t('vlanRange.createDo')} form={form} close={close}>
      <SelectField
        form={form} field="account" label={t('vlanRange.account')} placeholder={t('vlanRange.accountChoose')} loading={all.isPending} testId="vlan-range-account"
        options={(all.data ?? []).map((a) => ({ value: a.id, label: a.name }))}
      />
      <TextField form={form} field="device" label={t('vlanRange.device')} description={t('vlanRange.deviceHint')} placeholder="br0" testId="vlan-range-device" />
      <TextField form={form} field="vlans" label={t('vlanRange.vlans')} description={t('vlanRange.vlansHint')} placeholder="100-199" testId="vlan-range-vlans" />
    </FormDialog>
  );
}
