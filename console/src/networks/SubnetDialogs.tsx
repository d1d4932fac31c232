import type { ReactNode } from 'react';
import type { Network, Subnet } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { useForm } from '../ui/useForm';
import { blankSubnet, checkSubnet, isRouted, subnetRequest, subnets } from './networks';
import { dhcpIsOutside } from './segment';
import { checkSpace, spaceOf, spaceUpdate } from './space';
import { SpaceFields, SpaceSection } from './SpaceFields';

interface Props {
  close: () => void;
  done: () => void;
}

export function CreateSubnetDialog({ network, close, done }: Props & { network: Network }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: blankSubnet, check: checkSubnet, send: (v) => subnets.create(subnetRequest(network.id, v)),
    done: () => { done(); close(); },
  });
  const routed = isRouted(network);
  return (
    <FormDialog title={t('network.createSubnet')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="cidr" label={t('network.cidr')} description={t(routed ? 'network.cidrHint' : 'network.cidrHintBridged')} placeholder="10.0.1.0/24" autoFocus testId="subnet-cidr" />
      <TextField form={form} field="name" label={t('network.subnetName')} optional testId="subnet-name" />
      {!routed && <TextField form={form} field="gateway" label={t('network.router')} description={t('network.routerOneHint')} optional testId="subnet-gateway" />}
      {!dhcpIsOutside(network.segment) && <TextField form={form} field="dnsServers" label={t('network.dns')} description={t(routed ? 'network.dnsHint' : 'network.dnsHintBridged')} optional stretch />}
      <SpaceSection form={form} />
    </FormDialog>
  );
}

/** Changes what of a subnet is given out from now on. Addresses that somebody has stay theirs. */
export function EditSubnetDialog({ subnet, close, done }: Props & { subnet: Subnet }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: spaceOf(subnet), check: (v) => checkSpace(v, [subnet.cidr]), send: (v) => subnets.update(subnet.id, spaceUpdate(v)),
    done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('network.spaceTitle', { name: subnet.name })} action={t('ui.save')} form={form} close={close}>
      <div>{t('network.spaceAbout', { cidr: subnet.cidr })}</div>
      <SpaceFields form={form} />
    </FormDialog>
  );
}
