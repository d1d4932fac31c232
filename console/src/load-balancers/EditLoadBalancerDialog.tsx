import type { ReactNode } from 'react';
import type { LoadBalancer } from '../api/types';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { loadBalancers } from './loadBalancers';

export function EditLoadBalancerDialog({ balancer, close, done }: { balancer: LoadBalancer; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: balancer.name, description: balancer.description }, check: (v) => violations(['name', name(v.name)]), send: (v) => loadBalancers.update(balancer.id, v),
    done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('balancer.editTitle', { name: balancer.name })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
      <TextField form={form} field="description" label={t('ui.description')} optional stretch />
    </FormDialog>
  );
}
