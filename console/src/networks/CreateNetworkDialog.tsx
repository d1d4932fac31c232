import Checkbox from '@cloudscape-design/components/checkbox';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import FormField from '@cloudscape-design/components/form-field';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { listed, name, optional, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { dnsList, mtu, networkField, networkRequest, networks, orNull, rangeOf, searchList, subnetRange, subnets, type NetworkValues } from './networks';

interface Props {
  close: () => void;
  created: () => void;
}

const blank: NetworkValues = { name: '', cidr: '10.0.0.0/24', cidr6: '', dnsServers: '', searchDomains: '', mtu: '', isolated: false };

/** A network with its first subnets: a network without one is of no use to an instance. */
export function CreateNetworkDialog({ close, created }: Props): ReactNode {
  const t = useText();
  const form = useForm<NetworkValues, unknown>({
    initial: blank, place: networkField,
    check: (v) => violations(
      ['name', name(v.name)], ['cidr', optional(v.cidr, rangeOf('v4'))], ['cidr6', optional(v.cidr6, rangeOf('v6'))], ['dnsServers', dnsList(v.dnsServers)],
      ['searchDomains', searchList(v.searchDomains)], ['mtu', mtu(v.mtu)]),
    send: (v) => networks.create(networkRequest(v)),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('network.create')} action={t('ui.create')} form={form} close={close} wide>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="network-name" />
      <ColumnLayout columns={2}>
        <TextField form={form} field="cidr" label={t('network.cidr4')} constraintText={t('network.cidr4Hint')} placeholder="10.1.0.0/24" optional testId="network-cidr" />
        <TextField form={form} field="cidr6" label={t('network.cidr6')} constraintText={t('network.cidr6Hint')} placeholder="fd00:1::/64" optional testId="network-cidr6" />
      </ColumnLayout>
      <FormField label={t('network.outside')} errorText={form.errorOf('outside')}>
        <Checkbox checked={form.values.isolated} onChange={(e) => form.set('isolated', e.detail.checked)} description={t('network.isolatedHint')} data-testid="network-isolated">{t('network.isolated')}</Checkbox>
      </FormField>
      <TextField form={form} field="dnsServers" label={t('network.dns')} description={t('network.dnsHint')} placeholder="10.1.0.53" optional stretch />
      <TextField form={form} field="searchDomains" label={t('network.search')} description={t('network.searchHint')} placeholder="lab.example" optional stretch />
      <TextField form={form} field="mtu" label={t('network.mtu')} description={t('network.mtuHint')} inputMode="numeric" optional />
    </FormDialog>
  );
}

export function CreateSubnetDialog({ network, close, created }: Props & { network: string }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', cidr: '', dnsServers: '' },
    check: (v) => violations(['name', optional(v.name, name)], ['cidr', subnetRange(v.cidr)], ['dnsServers', dnsList(v.dnsServers)]),
    send: (v) => subnets.create({ network, name: v.name === '' ? null : v.name, cidr: v.cidr, dnsServers: orNull(listed(v.dnsServers)) }),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('network.createSubnet')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="cidr" label={t('network.cidr')} description={t('network.cidrHint')} placeholder="10.0.1.0/24" autoFocus />
      <TextField form={form} field="name" label={t('network.subnetName')} optional />
      <TextField form={form} field="dnsServers" label={t('network.dns')} description={t('network.dnsHint')} optional stretch />
    </FormDialog>
  );
}
