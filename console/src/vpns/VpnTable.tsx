import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useAll } from '../api/pages';
import type { Network } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { CreateVpnDialog } from './CreateVpnDialog';
import { staleWithVpns, vpns } from './vpns';
import { VpnState } from './VpnState';

/** The VPN gateway of a network: one at most. */
export function VpnTable({ network }: { network: Network }): ReactNode {
  const t = useText();
  const format = useFormat();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const all = useAll([vpns.key], vpns.list);
  const here = all.data?.filter((v) => v.network.id === network.id);
  const [creating, setCreating] = useState(false);
  return (
    <>
      <ShortTable
        title={t('vpn.one')} items={here} error={all.error} empty={t('vpn.emptyNetwork')} labelOf={(v) => v.name}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (v) => <ResourceLink {...v} />, isRowHeader: true },
          { id: 'state', header: t('ui.state'), cell: (v) => <VpnState vpn={v} /> },
          { id: 'address', header: t('vpn.endpointOwn'), cell: (v) => <code className="kumoi-whole">{v.address}:{v.port}</code> },
          { id: 'ranges', header: t('vpn.ranges'), cell: (v) => v.clients.map((range) => <div key={range}><code className="kumoi-whole">{range}</code></div>) },
          { id: 'clients', header: t('vpn.clients'), cell: (v) => format.number(v.clientCount) },
          { id: 'sites', header: t('vpn.sites'), cell: (v) => format.number(v.siteCount) },
        ]}
        actions={[<WriteButton needs="vpns:write" key="create" disabled={here?.length !== 0} onClick={() => setCreating(true)} data-testid="network-create-vpn">{t('vpn.create')}</WriteButton>]}
      />
      {creating && (
        <CreateVpnDialog
          network={network.id} close={() => setCreating(false)}
          created={(made) => {
            void queries.invalidateQueries({ predicate: (q) => (staleWithVpns as readonly string[]).includes(String(q.queryKey[0])) });
            void navigate(`/vpns/${made.id}`);
          }}
        />
      )}
    </>
  );
}
