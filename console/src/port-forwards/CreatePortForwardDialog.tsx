import ColumnLayout from '@cloudscape-design/components/column-layout';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { floatingAddresses } from '../floating-addresses/floatingAddresses';
import { useText } from '../i18n/text';
import { interfaceName, interfaces } from '../interfaces/interfaces';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { isV6, optional, violations, wholeNumber, type Broken } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { portForwards } from './portForwards';

const chosen = (id: string): Broken => (id === '' ? { key: 'rule.choose' } : null);
const port = (text: string) => wholeNumber(text, 1, 65535);

/** Leads a port of a public address to a guest of the network. */
export function CreatePortForwardDialog({ network, close, done }: { network: string; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const addresses = useAll([floatingAddresses.key], floatingAddresses.list);
  const faces = useAll([interfaces.key, 'network', network], (page) => interfaces.list({ ...page, network }));
  const form = useForm({
    initial: { address: '', protocol: 'tcp', port: '', interface: '', targetPort: '', description: '' },
    check: (v) => violations(['address', chosen(v.address)], ['port', port(v.port)], ['interface', chosen(v.interface)], ['targetPort', optional(v.targetPort, port)]),
    send: (v) => portForwards.create({
      address: v.address, protocol: v.protocol, port: Number(v.port), instance: null, interface: v.interface, targetPort: v.targetPort === '' ? null : Number(v.targetPort),
      description: v.description === '' ? null : v.description,
    }),
    done: () => { done(); close(); },
  });
  const usable = (addresses.data ?? []).filter((a) => a.interface === null && a.loadBalancer === null && (a.network === null || a.network.id === network));
  return (
    <FormDialog title={t('portForward.create')} action={t('ui.create')} form={form} close={close}>
      <SelectField
        form={form} field="address" label={t('portForward.address')} description={t('network.sourceHint')} placeholder={t('network.sourceChoose')} loading={addresses.isPending} testId="forward-address"
        options={usable.map((a) => ({ value: a.address, label: a.address, description: a.description }))}
      />
      <ColumnLayout columns={2}>
        <SelectField form={form} field="protocol" label={t('securityGroup.protocol')} options={[{ value: 'tcp', label: 'TCP' }, { value: 'udp', label: 'UDP' }]} />
        <TextField form={form} field="port" label={t('portForward.port')} inputMode="numeric" placeholder="8080" testId="forward-port" />
        <SelectField
          form={form} field="interface" label={t('portForward.target')} placeholder={t('floatingAddress.chooseTarget')} loading={faces.isPending} testId="forward-interface"
          options={(faces.data ?? []).filter((f) => !isV6(f.address)).map((f) => ({ value: f.id, label: interfaceName(f), description: f.address }))}
        />
        <TextField form={form} field="targetPort" label={t('portForward.targetPort')} constraintText={t('portForward.targetPortHint')} inputMode="numeric" placeholder="80" optional />
      </ColumnLayout>
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
