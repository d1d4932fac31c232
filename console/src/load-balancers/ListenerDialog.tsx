import type { ReactNode } from 'react';
import type { LoadBalancer, LoadBalancerListener } from '../api/types';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { blankListener, checkListener, listenerField, listenerRequest, valuesOf } from './listener';
import { ListenerFields } from './ListenerFields';
import { listenerName, loadBalancers, memberName } from './loadBalancers';

/** Adds a listener, with the members of another or without, or changes one. */
export function ListenerDialog({ balancer, listener, close, done }: { balancer: LoadBalancer; listener?: LoadBalancerListener; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const has = (listener?.certificate ?? null) !== null;
  const others = listener === undefined ? balancer.listeners.filter((l) => l.members.length > 0) : [];
  const form = useForm({
    initial: { ...(listener === undefined ? blankListener : valuesOf(listener)), membersOf: others[0]?.id ?? '' }, check: (v) => checkListener(v, has), place: listenerField,
    send: (v) => {
      if (listener !== undefined) return loadBalancers.updateListener(balancer.id, listener.id, listenerRequest(v));
      const members = (others.find((l) => l.id === v.membersOf)?.members ?? []).map((m) => ({ instance: null, interface: m.interface, port: m.port, weight: m.weight, listener: null }));
      return loadBalancers.addListener(balancer.id, { ...listenerRequest(v), members });
    },
    done: () => { done(); close(); },
  });
  return (
    <FormDialog
      title={listener === undefined ? t('balancer.listenerAddTitle', { name: balancer.name }) : t('balancer.listenerEditTitle', { name: listenerName(listener) })}
      action={t(listener === undefined ? 'ui.add' : 'ui.save')} form={form} close={close} wide
    >
      <ListenerFields form={form} certificate={listener?.certificate ?? null} existing={listener !== undefined} />
      {others.length > 0 && (
        <SelectField
          form={form} field="membersOf" label={t('balancer.members')} testId="listener-members"
          options={[...others.map((l) => ({ value: l.id, label: t('balancer.membersAsOf', { name: listenerName(l) }), description: l.members.map(memberName).join(', ') })), { value: '', label: t('balancer.membersNone') }]}
        />
      )}
    </FormDialog>
  );
}
