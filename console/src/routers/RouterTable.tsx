import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import { useQueryClient } from '@tanstack/react-query';
import { Fragment, useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Network, Router } from '../api/types';
import { useText } from '../i18n/text';
import { useNetworkChoices } from '../networks/choices';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { ResourceLink } from '../ui/ResourceLink';
import { name, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { ShortTable } from '../ui/ShortTable';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { routers } from './routers';

type Dialog = 'create' | 'join' | 'change' | 'delete';

/** The routers that a network is joined to. */
export function RouterTable({ network }: { network: Network }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const all = useAll([routers.key], routers.list);
  const joined = all.data?.filter((r) => r.networks.some((n) => n.id === network.id));
  const others = (all.data ?? []).filter((r) => !r.networks.some((n) => n.id === network.id));
  const [chosen, choose] = useState<string | null>(null);
  const selected = joined?.find((r) => r.id === chosen);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const done = () => void queries.invalidateQueries({ queryKey: [routers.key] });
  return (
    <>
      <ShortTable
        title={t('router.title')} description={t('router.about')} items={joined} error={all.error} empty={t('router.empty')} selected={selected} select={(r) => choose(r?.id ?? null)} labelOf={(r) => r.name}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (r) => r.name, isRowHeader: true },
          { id: 'networks', header: t('router.networks'), cell: (r) => r.networks.map((n, at) => <Fragment key={n.id}>{at > 0 && ', '}<ResourceLink {...n} /></Fragment>) },
          { id: 'id', header: t('ui.id'), cell: (r) => <code>{r.id}</code> },
        ]}
        actions={[
          <WriteButton needs="routers:write" key="delete" disabled={selected === undefined} onClick={() => setDialog('delete')}>{t('ui.delete')}</WriteButton>,
          <WriteButton needs="routers:write" key="change" disabled={selected === undefined} onClick={() => setDialog('change')}>{t('router.change')}</WriteButton>,
          <WriteButton needs="routers:write" key="join" disabled={others.length === 0} onClick={() => setDialog('join')}>{t('router.join')}</WriteButton>,
          <WriteButton needs="routers:write" key="create" onClick={() => setDialog('create')} data-testid="create-router">{t('router.create')}</WriteButton>,
        ]}
      />
      {dialog === 'create' && <RouterDialog networkIds={[network.id]} close={close} done={done} />}
      {dialog === 'change' && selected && <RouterDialog router={selected} networkIds={selected.networks.map((n) => n.id)} close={close} done={done} />}
      {dialog === 'join' && <JoinDialog network={network} others={others} close={close} done={done} />}
      {dialog === 'delete' && selected && <DeleteDialog items={[selected]} stale={[routers.key]} remove={routers.remove} close={close}>{t('router.deleteBody')}</DeleteDialog>}
    </>
  );
}

/** Makes a router, or changes which networks one joins. */
function RouterDialog({ router, networkIds, close, done }: { router?: Router; networkIds: readonly string[]; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const { options, loading } = useNetworkChoices('refused');
  const form = useForm({
    initial: { name: router?.name ?? '', networks: networkIds }, check: (v) => violations(['name', name(v.name)]),
    send: (v) => router === undefined
      ? routers.create({ name: v.name, networks: [...v.networks] })
      : routers.change(router.id, { attach: v.networks.filter((n) => !networkIds.includes(n)), detach: networkIds.filter((n) => !v.networks.includes(n)) }),
    place: (path) => (/^(attach|detach)\b/.test(path) ? 'networks' : path),
    done: () => { done(); close(); },
  });
  return (
    <FormDialog title={router === undefined ? t('router.create') : t('router.changeTitle', { name: router.name })} action={t(router === undefined ? 'ui.create' : 'ui.save')} form={form} close={close}>
      {router === undefined && <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="router-name" />}
      <FormField label={t('router.networks')} description={t('router.networksHint')} errorText={form.errorOf('networks')}>
        <Multiselect
          options={options} selectedOptions={options.filter((o) => form.values.networks.includes(o.value))} placeholder={t('router.choose')} filteringType={options.length > 10 ? 'auto' : 'none'} expandToViewport
          statusType={loading ? 'loading' : 'finished'} data-testid="router-networks" onChange={(e) => form.set('networks', e.detail.selectedOptions.flatMap((o) => o.value ?? []))}
        />
      </FormField>
    </FormDialog>
  );
}

function JoinDialog({ network, others, close, done }: { network: Network; others: readonly Router[]; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { router: '' }, check: (v) => violations(['router', v.router === '' ? { key: 'rule.choose' } : null]), send: (v) => routers.change(v.router, { attach: [network.id], detach: null }),
    place: () => 'router', done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('router.joinTitle', { name: network.name })} action={t('router.joinDo')} form={form} close={close}>
      <SelectField form={form} field="router" label={t('router.one')} placeholder={t('router.chooseOne')} options={others.map((r) => ({ value: r.id, label: r.name, description: r.networks.map((n) => n.name).join(', ') }))} />
    </FormDialog>
  );
}
