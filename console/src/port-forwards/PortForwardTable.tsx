import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { PortForward } from '../api/types';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { CreatePortForwardDialog } from './CreatePortForwardDialog';
import { portForwards } from './portForwards';

export function PortForwardTable({ network }: { network: string }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const all = useAll([portForwards.key], portForwards.list);
  const here = all.data?.filter((f) => f.network.id === network);
  const [chosen, choose] = useState<string | null>(null);
  const selected = here?.find((f) => f.id === chosen);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const stale = [portForwards.key, 'floating-addresses'];
  const words = (f: PortForward) => `${f.address}:${f.port}/${f.protocol}`;
  return (
    <>
      <ShortTable
        title={t('portForward.title')} description={t('portForward.about')} items={here} error={all.error} empty={t('portForward.empty')} selected={selected} select={(f) => choose(f?.id ?? null)} labelOf={words}
        columns={[
          { id: 'address', header: t('portForward.address'), cell: (f) => <code>{f.address}</code>, isRowHeader: true },
          { id: 'port', header: t('portForward.port'), cell: (f) => `${t.word('securityGroup.protocol', f.protocol)} ${f.port}` },
          { id: 'target', header: t('portForward.target'), cell: (f) => <><ResourceLink {...f.instance} />:{f.targetPort}</> },
          { id: 'description', header: t('ui.description'), cell: (f) => f.description || '-' },
        ]}
        actions={[
          <WriteButton needs="port-forwards:write" key="delete" disabled={selected === undefined} onClick={() => setDialog('delete')}>{t('ui.delete')}</WriteButton>,
          <WriteButton needs="port-forwards:write" key="create" onClick={() => setDialog('create')} data-testid="create-port-forward">{t('portForward.create')}</WriteButton>,
        ]}
      />
      {dialog === 'create' && (
        <CreatePortForwardDialog network={network} close={close} done={() => void queries.invalidateQueries({ predicate: (q) => stale.includes(String(q.queryKey[0])) })} />
      )}
      {dialog === 'delete' && selected && <DeleteDialog items={[{ id: selected.id, name: words(selected) }]} stale={stale} remove={portForwards.remove} close={close} />}
    </>
  );
}
