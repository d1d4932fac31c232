import Checkbox from '@cloudscape-design/components/checkbox';
import FormField from '@cloudscape-design/components/form-field';
import type { ReactNode } from 'react';
import type { Interface } from '../api/types';
import { useText } from '../i18n/text';
import { SecurityGroupPicker } from '../security-groups/SecurityGroupPicker';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { address, cidr, each, listed, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { interfaceName, interfaces } from './interfaces';

/** Groups, secondary addresses and allowed ranges of an interface: all change at once, without touching the guest. */
export function ChangeDialog({ face, close, done }: { face: Interface; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { securityGroups: face.securityGroups.map((g) => g.id) as readonly string[], secondaryAddresses: face.secondaryAddresses.join(', '), move: false, allowedRanges: face.allowedRanges.join(', ') },
    check: (v) => violations(['secondaryAddresses', each(v.secondaryAddresses, address)], ['allowedRanges', each(v.allowedRanges, cidr)]),
    send: (v) => interfaces.update(face.id, {
      securityGroups: [...v.securityGroups], secondaryAddresses: listed(v.secondaryAddresses), allowedRanges: listed(v.allowedRanges), move: v.move ? true : null,
    }),
    done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('interface.changeTitle', { name: interfaceName(face) })} action={t('ui.save')} form={form} close={close}>
      <FormField label={t('instance.securityGroups')} description={t('instance.editGroupsHint')} errorText={form.errorOf('securityGroups')}>
        <SecurityGroupPicker chosen={form.values.securityGroups} choose={(ids) => form.set('securityGroups', ids)} />
      </FormField>
      <TextField form={form} field="secondaryAddresses" label={t('interface.secondary')} description={t('interface.secondaryHint')} placeholder="10.1.0.200" optional stretch testId="secondary-addresses" />
      <Checkbox checked={form.values.move} onChange={(e) => form.set('move', e.detail.checked)} description={t('interface.moveHint')}>{t('interface.move')}</Checkbox>
      <TextField form={form} field="allowedRanges" label={t('interface.allowedRanges')} description={t('interface.allowedRangesHint')} placeholder="172.16.0.0/16" optional stretch />
    </FormDialog>
  );
}
