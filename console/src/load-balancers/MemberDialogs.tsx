import type { ReactNode } from 'react';
import type { LoadBalancer } from '../api/types';
import { useText } from '../i18n/text';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { listenerName, loadBalancers, memberName, type ListedMember } from './loadBalancers';
import { weight } from './member';

export type MemberChange = 'drain' | 'undrain' | 'remove';

interface Props {
  balancer: LoadBalancer;
  members: readonly ListedMember[];
  close: () => void;
  done: () => void;
}

/** Drains members, gives them connections again, or takes them out; one after another, until one cannot be. */
export function ChangeMembersDialog({ change, balancer, members, close, done }: Props & { change: MemberChange }): ReactNode {
  const t = useText();
  const one = (id: string) => (change === 'remove' ? loadBalancers.removeMember(balancer.id, id) : loadBalancers.updateMember(balancer.id, id, { weight: null, draining: change === 'drain' }));
  const run = async () => {
    try {
      for (const member of members) await one(member.id);
    } finally {
      done();
    }
  };
  const [first] = members;
  const what = members.length === 1 && first !== undefined ? memberName(first) : t('balancer.memberCount', { count: members.length });
  return (
    <ConfirmDialog title={t(`balancer.${change}.title`, { what })} action={t(`balancer.${change}`)} typed={null} run={run} close={close}>
      {members.length > 1 && <ul>{members.map((m) => <li key={m.id}>{memberName(m)} ({listenerName(m.listener)})</li>)}</ul>}
      {t(`balancer.${change}.body`)}
    </ConfirmDialog>
  );
}

export function WeightDialog({ balancer, members, close, done }: Props): ReactNode {
  const t = useText();
  const [first] = members;
  const form = useForm({
    initial: { weight: String(first?.weight ?? 1) }, check: (v) => violations(['weight', weight(v.weight)]),
    send: async (v) => {
      for (const member of members) await loadBalancers.updateMember(balancer.id, member.id, { weight: Number(v.weight), draining: null });
    },
    done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('balancer.weightTitle', { what: members.length === 1 && first !== undefined ? memberName(first) : t('balancer.memberCount', { count: members.length }) })} action={t('ui.save')} form={form} close={close}>
      <TextField form={form} field="weight" label={t('balancer.weight')} description={t('balancer.weightHint')} inputMode="numeric" autoFocus testId="weight" />
    </FormDialog>
  );
}
