import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Vpn } from '../api/types';
import { floatingAddresses } from '../floating-addresses/floatingAddresses';
import { useText } from '../i18n/text';
import { useNetworkChoices } from '../networks/choices';
import { orNull } from '../networks/networks';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { cidr, each, listed, name, violations, wholeNumber } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { vpns } from './vpns';

/** Makes the VPN gateway of a network. */
export function CreateVpnDialog({ network = '', close, created }: { network?: string; close: () => void; created: (made: Vpn) => void }): ReactNode {
  const t = useText();
  const choices = useNetworkChoices('refused');
  const present = useAll([vpns.key], vpns.list);
  const addresses = useAll([floatingAddresses.key], floatingAddresses.list);
  const form = useForm({
    initial: { name: '', network, address: '', clients: '', port: '51820' },
    check: (v) => violations(['name', name(v.name)], ['network', v.network === '' ? { key: 'rule.choose' } : null], ['clients', each(v.clients, cidr)], ['port', wholeNumber(v.port, 1, 65535)]),
    send: (v) => vpns.create({ name: v.name, network: v.network, address: v.address === '' ? null : v.address, port: Number(v.port), clients: orNull(listed(v.clients)) }),
    done: (made) => { close(); created(made); },
  });
  const gatewayOf = (id: string) => present.data?.find((v) => v.network.id === id);
  const usable = (addresses.data ?? []).filter((a) => a.interface === null && (a.network === null || a.network.id === form.values.network));
  return (
    <FormDialog title={t('vpn.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="vpn-name" />
      <SelectField
        form={form} field="network" label={t('instance.network')} description={t('vpn.networkHint')} placeholder={t('interface.chooseNetwork')} loading={choices.loading || present.isPending} testId="vpn-network"
        options={choices.options.map((option) => {
          const taken = gatewayOf(option.value);
          return taken === undefined ? option : { ...option, disabled: true, labelTag: t('vpn.hasOne', { name: taken.name }) };
        })}
      />
      <SelectField
        form={form} field="address" label={t('vpn.address')} description={t('vpn.addressHint')} loading={addresses.isPending} testId="vpn-address"
        options={[{ value: '', label: t('vpn.addressNew') }, ...usable.map((a) => ({ value: a.address, label: a.address, description: a.description }))]}
      />
      <TextField form={form} field="clients" label={t('vpn.ranges')} description={t('vpn.rangesHint')} constraintText={t('vpn.rangesForm')} placeholder="10.99.0.0/24" optional stretch testId="vpn-ranges" />
      <TextField form={form} field="port" label={t('vpn.port')} inputMode="numeric" testId="vpn-port" />
    </FormDialog>
  );
}
