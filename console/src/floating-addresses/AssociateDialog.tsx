import Alert from '@cloudscape-design/components/alert';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { FloatingAddress, Interface } from '../api/types';
import { useText } from '../i18n/text';
import { addressesOf, interfaceName, interfaces } from '../interfaces/interfaces';
import { FormDialog } from '../ui/FormDialog';
import { isV6, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { floatingAddresses, isFree } from './floatingAddresses';

const chosen = (id: string) => (id === '' ? { key: 'rule.choose' as const } : null);

/** Leads an address to an interface, from wherever it led until now. */
export function AssociateDialog({ address, close, done }: { address: FloatingAddress; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const all = useAll([interfaces.key], interfaces.list);
  const moves = address.interface !== null;
  const form = useForm({
    initial: { interface: '' }, check: (v) => violations(['interface', chosen(v.interface)]),
    send: (v) => floatingAddresses.associate(address.id, { instance: null, interface: v.interface, move: moves ? true : null }),
    done: () => { done(); close(); },
  });
  const options = (all.data ?? []).filter((f) => f.id !== address.interface && !isV6(f.address)).map((f) => ({
    value: f.id, label: interfaceName(f), description: `${f.network.name} · ${addressesOf(f).join(', ')}`, ...(f.floatingAddress === null ? {} : { labelTag: f.floatingAddress }),
  }));
  return (
    <FormDialog title={t(moves ? 'floatingAddress.moveTitle' : 'floatingAddress.associateTitle', { address: address.address })} action={t(moves ? 'floatingAddress.move' : 'floatingAddress.associate')} form={form} close={close}>
      {moves && address.instance !== null && <Alert type="warning">{t('floatingAddress.moveFrom', { name: address.instance.name })}</Alert>}
      <SelectField
        form={form} field="interface" label={t('floatingAddress.target')} description={t('floatingAddress.targetHint')} placeholder={t('floatingAddress.chooseTarget')} options={options} loading={all.isPending}
        testId="associate-interface"
      />
    </FormDialog>
  );
}

/** The other way round: chooses an address for an interface, or takes a new one. */
export function AssociateToDialog({ face, close, done }: { face: Interface; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const all = useAll([floatingAddresses.key], floatingAddresses.list);
  const form = useForm({
    initial: { address: 'new' }, check: () => [],
    send: async (v) => {
      const taken = v.address === 'new' ? await floatingAddresses.create({ pool: null, address: null, description: null }) : all.data?.find((a) => a.id === v.address);
      if (taken === undefined) return;
      try {
        await floatingAddresses.associate(taken.id, { instance: null, interface: face.id, move: taken.interface === null ? null : true });
      } catch (error) {
        // What was taken for this alone is not kept, or each try would take one more.
        if (v.address === 'new') await floatingAddresses.release(taken.id).catch(() => undefined);
        throw error;
      }
    },
    done: () => { done(); close(); },
  });
  const known = (all.data ?? []).filter((a) => a.interface !== face.id && a.network === null).sort((a, b) => Number(isFree(b)) - Number(isFree(a)));
  const options = [
    { value: 'new', label: t('floatingAddress.takeNew') },
    ...known.map((a) => ({ value: a.id, label: a.address, description: a.instance === null ? a.description : t('floatingAddress.movesFrom', { name: a.instance.name }) })),
  ];
  return (
    <FormDialog title={t('floatingAddress.associateToTitle', { name: interfaceName(face) })} action={t('floatingAddress.associate')} form={form} close={close}>
      <SelectField form={form} field="address" label={t('instance.floatingAddress')} description={t('floatingAddress.associateToHint')} options={options} loading={all.isPending} testId="associate-address" />
    </FormDialog>
  );
}
