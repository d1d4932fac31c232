import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Vpn, VpnClient } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { AddClientDialog } from './AddClientDialog';
import { ProfileDialog, StoredProfile } from './ProfileDialog';
import { Connected } from './VpnState';
import { vpnClients, vpns } from './vpns';

/** The devices that may connect to a gateway. */
export function ClientsTab({ vpn }: { vpn: Vpn }): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('vpn-clients', ['id', 'key', 'created']);
  const pages = usePages([vpns.key, 'clients', vpn.id], look.pageSize, (page) => vpnClients.list(vpn.id, page));
  const [selected, select] = useState<VpnClient[]>([]);
  const [dialog, setDialog] = useState<'add' | 'profile' | 'remove' | null>(null);
  const [made, setMade] = useState<VpnClient | null>(null);
  const close = () => setDialog(null);
  const [only] = selected.length === 1 ? selected : [];
  const add = <WriteButton needs="vpns:write" onClick={() => setDialog('add')} data-testid="vpn-client-add">{t('vpn.clientAdd')}</WriteButton>;
  return (
    <>
      <ResourceTable
        within title={t('vpn.clients')} description={t('vpn.clientsAbout')} pages={pages} look={look} selected={selected} select={select} labelOf={(c) => c.name} empty={t('vpn.clientsEmpty')} emptyAction={add}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (c) => c.name, isRowHeader: true, width: 170 },
          { id: 'id', header: t('ui.id'), cell: (c) => <code>{c.id}</code>, width: 220 },
          { id: 'addresses', header: t('instance.address'), cell: (c) => c.addresses.map((a) => <div key={a}><code className="kumoi-whole">{a}</code></div>), width: 150 },
          { id: 'connected', header: t('vpn.connection'), cell: (c) => <Connected handshakeAt={c.handshakeAt} />, width: 250 },
          { id: 'endpoint', header: t('vpn.from'), cell: (c) => (c.endpoint === null ? '-' : <code>{c.endpoint}</code>), width: 210 },
          { id: 'in', header: t('vpn.received'), cell: (c) => format.bytes(c.bytesIn), width: 120 },
          { id: 'out', header: t('vpn.sent'), cell: (c) => format.bytes(c.bytesOut), width: 120 },
          { id: 'key', header: t('vpn.publicKey'), cell: (c) => <code>{c.publicKey}</code>, width: 370 },
          { id: 'created', header: t('ui.created'), cell: (c) => format.dateTime(c.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton needs="vpns:write" disabled={selected.length === 0} onClick={() => setDialog('remove')} data-testid="vpn-client-remove">{t('vpn.remove')}</WriteButton>
            <Button disabled={only === undefined} onClick={() => setDialog('profile')} data-testid="vpn-client-profile">{t('vpn.profileShow')}</Button>
            {add}
          </SpaceBetween>
        }
      />
      {dialog === 'add' && <AddClientDialog vpn={vpn} close={close} added={(client) => { pages.refresh(); setMade(client); }} />}
      {made !== null && <ProfileDialog name={made.name} profile={made.profile ?? ''} about={t('vpn.profileAbout')} close={() => setMade(null)} />}
      {dialog === 'profile' && only && <StoredProfile id={only.id} name={only.name} about={t('vpn.profileAbout')} read={async () => (await vpnClients.get(vpn.id, only.id)).profile ?? ''} close={close} />}
      {dialog === 'remove' && (
        <DeleteDialog items={selected} stale={[vpns.key]} remove={(id) => vpnClients.remove(vpn.id, id)} close={close} done={() => select([])}>{t('vpn.clientRemoveBody')}</DeleteDialog>
      )}
    </>
  );
}
