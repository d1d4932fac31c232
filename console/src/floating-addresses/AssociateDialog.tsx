import Alert from '@cloudscape-design/components/alert';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { FloatingAddress } from '../api/types';
import { useText } from '../i18n/text';
import { addressesOf, interfaceName, interfaces } from '../interfaces/interfaces';
import { balancerAddresses, loadBalancers } from '../load-balancers/loadBalancers';
import { FormDialog } from '../ui/FormDialog';
import { isV6, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { association, floatingAddresses, isFree, leadsTo, targetOf } from './floatingAddresses';

const chosen = (id: string) => (id === '' ? { key: 'rule.choose' as const } : null);

/** Leads an address to an interface or a load balancer, from wherever it led until now. */
export function AssociateDialog({ address, close, done }: { address: FloatingAddress; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const faces = useAll([interfaces.key], interfaces.list);
  const balancers = useAll([loadBalancers.key], loadBalancers.list);
  const from = targetOf(address);
  const form = useForm({
    initial: { target: '' }, check: (v) => violations(['target', chosen(v.target)]), send: (v) => floatingAddresses.associate(address.id, association(v.target, from !== null)),
    place: (path) => (path === 'interface' || path === 'loadBalancer' ? 'target' : path), done: () => { done(); close(); },
  });
  const options = [
    ...(faces.data ?? []).filter((f) => !leadsTo(address, f.id) && !isV6(f.address)).map((f) => ({
      value: f.id, label: interfaceName(f), description: `${f.network.name} · ${addressesOf(f).join(', ')}`, ...(f.floatingAddress === null ? {} : { labelTag: f.floatingAddress }),
    })),
    ...(balancers.data ?? []).filter((b) => !leadsTo(address, b.id) && !isV6(b.address)).map((b) => ({
      value: b.id, label: b.name, description: `${t('floatingAddress.loadBalancer')} · ${b.network.name} · ${balancerAddresses(b).join(', ')}`, ...(b.floatingAddresses.length === 0 ? {} : { labelTag: b.floatingAddresses.join(', ') }),
    })),
  ];
  return (
    <FormDialog title={t(from !== null ? 'floatingAddress.moveTitle' : 'floatingAddress.associateTitle', { address: address.address })} action={t(from !== null ? 'floatingAddress.move' : 'floatingAddress.associate')} form={form} close={close}>
      {from !== null && <Alert type="warning">{t('floatingAddress.moveFrom', { name: from.name })}</Alert>}
      <SelectField
        form={form} field="target" label={t('floatingAddress.targetAny')} description={t('floatingAddress.targetHint')} placeholder={t('floatingAddress.chooseTargetAny')} options={options} loading={faces.isPending || balancers.isPending}
        testId="associate-interface"
      />
    </FormDialog>
  );
}

/** What an address is led to: an interface, or a load balancer with its network. */
export interface AssociationTarget {
  readonly id: string;
  readonly name: string;
  /** A load balancer's: addresses that serve it already may lead to the load balancer besides. */
  readonly network?: string;
}

/** The other way round: chooses an address for an interface or a load balancer, or takes a new one. */
export function AssociateToDialog({ target, close, done }: { target: AssociationTarget; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const all = useAll([floatingAddresses.key], floatingAddresses.list);
  const form = useForm({
    initial: { address: 'new' }, check: () => [],
    send: async (v) => {
      const taken = v.address === 'new' ? await floatingAddresses.create({ pool: null, address: null, description: null }) : all.data?.find((a) => a.id === v.address);
      if (taken === undefined) return;
      try {
        await floatingAddresses.associate(taken.id, association(target.id, targetOf(taken) !== null));
      } catch (error) {
        // What was taken for this alone is not kept, or each try would take one more.
        if (v.address === 'new') await floatingAddresses.release(taken.id).catch(() => undefined);
        throw error;
      }
    },
    done: () => { done(); close(); },
  });
  const usable = (all.data ?? []).filter((a) => !leadsTo(a, target.id) && (a.network === null || a.loadBalancer !== null || a.network.id === target.network));
  const options = [
    { value: 'new', label: t('floatingAddress.takeNew') },
    ...usable.sort((a, b) => Number(isFree(b)) - Number(isFree(a))).map((a) => {
      const from = targetOf(a);
      return { value: a.id, label: a.address, description: from === null ? a.description : t('floatingAddress.movesFrom', { name: from.name }) };
    }),
  ];
  return (
    <FormDialog title={t('floatingAddress.associateToTitle', { name: target.name })} action={t('floatingAddress.associate')} form={form} close={close}>
      <SelectField
        form={form} field="address" label={t('instance.floatingAddress')} description={t(target.network === undefined ? 'floatingAddress.associateToHint' : 'floatingAddress.associateToBalancerHint')} options={options} loading={all.isPending}
        testId="associate-address"
      />
    </FormDialog>
  );
}
