import { useState, type ReactNode } from 'react';
import type { LoadBalancer } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { MemberHealth } from './Health';
import { listenerName, memberName, membersOf } from './loadBalancers';
import { AddMemberDialog } from './AddMemberDialog';
import { ChangeMembersDialog, WeightDialog, type MemberChange } from './MemberDialogs';

type Dialog = 'add' | 'weight' | MemberChange;

/** The members of all listeners: whether they work, and what they have to do. */
export function MemberTable({ balancer, changed }: { balancer: LoadBalancer; changed: () => void }): ReactNode {
  const t = useText();
  const format = useFormat();
  const members = membersOf(balancer);
  const [chosen, choose] = useState<readonly string[]>([]);
  // Members as they are now: one that was just drained is not what it was when it was chosen.
  const selected = members.filter((m) => chosen.includes(m.id));
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const none = selected.length === 0;
  const draining = !none && selected.every((m) => m.draining);
  const several = balancer.listeners.length > 1;
  const whole = (text: string) => <span className="kumoi-whole">{text}</span>;
  const button = (which: Dialog, text: string, enabled: boolean) => <WriteButton needs="load-balancers:write" key={which} disabled={!enabled} onClick={() => setDialog(which)} data-testid={`member-${which}`}>{text}</WriteButton>;
  return (
    <>
      <ShortTable
        title={t('balancer.members')} description={t('balancer.membersLive')} items={members} empty={t('balancer.membersEmpty')} labelOf={(m) => `${memberName(m)} (${listenerName(m.listener)})`}
        chosen={selected} choose={(items) => choose(items.map((m) => m.id))}
        columns={[
          { id: 'member', header: t('balancer.member'), cell: (m) => <span className="kumoi-anywhere"><ResourceLink {...m.instance} />:{m.port}</span>, isRowHeader: true, minWidth: 130 },
          ...(several ? [{ id: 'listener', header: t('balancer.listener'), cell: (m: (typeof members)[number]) => whole(listenerName(m.listener)), minWidth: 110 }] : []),
          { id: 'address', header: t('instance.address'), cell: (m) => <code className="kumoi-whole">{m.address}</code>, minWidth: 120 },
          { id: 'weight', header: t('balancer.weight'), cell: (m) => m.weight, minWidth: 80 },
          { id: 'health', header: t('balancer.health'), cell: (m) => <MemberHealth member={m} />, minWidth: 200 },
          { id: 'active', header: t('balancer.active'), cell: (m) => whole(format.number(m.traffic.active)), minWidth: 75 },
          { id: 'connections', header: t('balancer.connections'), cell: (m) => whole(format.number(m.traffic.connections)), minWidth: 110 },
          { id: 'in', header: t('balancer.bytesIn'), cell: (m) => whole(format.bytes(m.traffic.bytesIn)), minWidth: 90 },
          { id: 'out', header: t('balancer.bytesOut'), cell: (m) => whole(format.bytes(m.traffic.bytesOut)), minWidth: 90 },
        ]}
        actions={[
          button('remove', t('balancer.remove'), !none), button('weight', t('balancer.weightEdit'), !none),
          draining ? button('undrain', t('balancer.undrain'), true) : button('drain', t('balancer.drain'), !none), button('add', t('balancer.memberAdd'), balancer.listeners.length > 0),
        ]}
      />
      {dialog === 'add' && <AddMemberDialog balancer={balancer} close={close} done={changed} />}
      {dialog === 'weight' && !none && <WeightDialog balancer={balancer} members={selected} close={close} done={changed} />}
      {(dialog === 'drain' || dialog === 'undrain' || dialog === 'remove') && !none && <ChangeMembersDialog change={dialog} balancer={balancer} members={selected} close={close} done={changed} />}
    </>
  );
}
