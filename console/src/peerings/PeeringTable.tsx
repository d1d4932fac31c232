import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Network } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useAccount } from '../session/permissions';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { required, violations } from '../ui/rules';
import { ShortTable } from '../ui/ShortTable';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { isOffered, otherSide, ownSide, peerings } from './peerings';

/** The networks of other accounts that a network reaches, or is to reach. */
export function PeeringTable({ network }: { network: Network }): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const account = useAccount();
  const all = useAll([peerings.key], peerings.list);
  const here = all.data?.filter((p) => ownSide(p, account).id === network.id);
  const [chosen, choose] = useState<string | null>(null);
  const selected = here?.find((p) => p.id === chosen);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  return (
    <>
      <ShortTable
        title={t('peering.title')} description={t('peering.about')} items={here} error={all.error} empty={t('peering.empty')} selected={selected} select={(p) => choose(p?.id ?? null)}
        labelOf={(p) => otherSide(p, account)}
        columns={[
          { id: 'other', header: t('peering.other'), cell: (p) => otherSide(p, account), isRowHeader: true },
          {
            id: 'state', header: t('ui.state'),
            cell: (p) => (
              <StatusIndicator type={p.state === 'active' ? 'success' : 'pending'}>
                {p.state === 'active' ? t('peering.state.active') : isOffered(p, account) ? t('peering.state.offered') : t('peering.state.asked')}
              </StatusIndicator>
            ),
          },
          { id: 'id', header: t('ui.id'), cell: (p) => <code>{p.id}</code> },
          { id: 'created', header: t('ui.created'), cell: (p) => format.dateTime(p.createdAt) },
        ]}
        actions={[
          <WriteButton needs="peerings:write" key="delete" disabled={selected === undefined} onClick={() => setDialog('delete')}>{t('ui.delete')}</WriteButton>,
          <WriteButton needs="peerings:write" key="create" onClick={() => setDialog('create')} data-testid="create-peering">{t('peering.create')}</WriteButton>,
        ]}
      />
      {dialog === 'create' && <PeeringDialog network={network} close={close} done={() => void queries.invalidateQueries({ queryKey: [peerings.key] })} />}
      {dialog === 'delete' && selected && (
        <DeleteDialog items={[{ id: selected.id, name: otherSide(selected, account) }]} stale={[peerings.key]} remove={peerings.remove} close={close}>{t('peering.deleteBody')}</DeleteDialog>
      )}
    </>
  );
}

function PeeringDialog({ network, close, done }: { network: Network; close: () => void; done: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { with: '' }, check: (v) => violations(['with', required(v.with)]), send: (v) => peerings.create({ network: network.id, with: v.with.trim() }),
    place: (path) => (path === 'network' ? 'with' : path), done: () => { done(); close(); },
  });
  return (
    <FormDialog title={t('peering.createTitle', { name: network.name })} action={t('peering.ask')} form={form} close={close}>
      <TextField form={form} field="with" label={t('peering.with')} description={t('peering.withHint')} placeholder="friend/their-net" autoFocus testId="peering-with" />
    </FormDialog>
  );
}
