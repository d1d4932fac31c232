import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { dnsList, dnsServers, networks, subnetRange, subnets } from './networks';

interface Props {
  close: () => void;
  created: () => void;
}

/** A network with its first subnet: a network without one is of no use to an instance. */
export function CreateNetworkDialog({ close, created }: Props): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', cidr: '10.0.0.0/24', dnsServers: '' },
    check: (v) => violations(['name', name(v.name)], ['cidr', v.cidr === '' ? null : subnetRange(v.cidr)], ['dnsServers', dnsList(v.dnsServers)]),
    send: (v) => networks.create({ name: v.name, subnets: v.cidr === '' ? null : [{ name: null, cidr: v.cidr, dnsServers: listOrNull(v.dnsServers) }] }),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('network.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
      <TextField form={form} field="cidr" label={t('network.cidr')} description={t('network.cidrHint')} optional />
      <TextField form={form} field="dnsServers" label={t('network.dns')} description={t('network.dnsHint')} optional />
    </FormDialog>
  );
}

export function CreateSubnetDialog({ network, close, created }: Props & { network: string }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '', cidr: '', dnsServers: '' },
    check: (v) => violations(['name', v.name === '' ? null : name(v.name)], ['cidr', subnetRange(v.cidr)], ['dnsServers', dnsList(v.dnsServers)]),
    send: (v) => subnets.create({ network, name: v.name === '' ? null : v.name, cidr: v.cidr, dnsServers: listOrNull(v.dnsServers) }),
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('network.createSubnet')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="cidr" label={t('network.cidr')} description={t('network.cidrHint')} placeholder="10.0.1.0/24" autoFocus />
      <TextField form={form} field="name" label={t('network.subnetName')} optional />
      <TextField form={form} field="dnsServers" label={t('network.dns')} description={t('network.dnsHint')} optional />
    </FormDialog>
  );
}

function listOrNull(text: string): string[] | null {
  const servers = dnsServers(text);
  return servers.length === 0 ? null : servers;
}
