import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Vpn, VpnSite } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { AddSiteDialog } from './AddSiteDialog';
import { ProfileDialog, StoredProfile } from './ProfileDialog';
import { Connected } from './VpnState';
import { vpns, vpnSites } from './vpns';

/** The networks elsewhere that a gateway joins. */
export function SitesTab({ vpn }: { vpn: Vpn }): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('vpn-sites', ['id', 'key', 'created']);
  const pages = usePages([vpns.key, 'sites', vpn.id], look.pageSize, (page) => vpnSites.list(vpn.id, page));
  const [selected, select] = useState<VpnSite[]>([]);
  const [dialog, setDialog] = useState<'add' | 'profile' | 'remove' | null>(null);
  const [made, setMade] = useState<VpnSite | null>(null);
  const close = () => setDialog(null);
  const [only] = selected.length === 1 ? selected : [];
  const add = <WriteButton needs="vpns:write" onClick={() => setDialog('add')} data-testid="vpn-site-add">{t('vpn.siteAdd')}</WriteButton>;
  return (
    <>
      <ResourceTable
        within title={t('vpn.sites')} description={t('vpn.sitesAbout')} pages={pages} look={look} selected={selected} select={select} labelOf={(s) => s.name} empty={t('vpn.sitesEmpty')} emptyAction={add}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (s) => s.name, isRowHeader: true, width: 150 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 220 },
          { id: 'ranges', header: t('vpn.siteRanges'), cell: (s) => s.ranges.map((r) => <div key={r}><code className="kumoi-whole">{r}</code></div>), width: 190 },
          { id: 'connected', header: t('vpn.connection'), cell: (s) => <Connected handshakeAt={s.handshakeAt} />, width: 250 },
          { id: 'endpoint', header: t('vpn.from'), cell: (s) => (s.endpoint === null ? '-' : <code>{s.endpoint}</code>), width: 200 },
          { id: 'configured', header: t('vpn.endpoint'), cell: (s) => (s.configuredEndpoint === null ? t('vpn.endpointNone') : <code>{s.configuredEndpoint}</code>), width: 200 },
          { id: 'preshared', header: t('vpn.preshared'), cell: (s) => t(s.hasPresharedKey ? 'ui.yes' : 'ui.no'), width: 150 },
          { id: 'in', header: t('vpn.received'), cell: (s) => format.bytes(s.bytesIn), width: 120 },
          { id: 'out', header: t('vpn.sent'), cell: (s) => format.bytes(s.bytesOut), width: 120 },
          { id: 'key', header: t('vpn.publicKey'), cell: (s) => <code>{s.publicKey}</code>, width: 370 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton needs="vpns:write" disabled={selected.length === 0} onClick={() => setDialog('remove')} data-testid="vpn-site-remove">{t('vpn.remove')}</WriteButton>
            <Button disabled={only === undefined} onClick={() => setDialog('profile')} data-testid="vpn-site-profile">{t('vpn.profileShow')}</Button>
            {add}
          </SpaceBetween>
        }
      />
      {dialog === 'add' && <AddSiteDialog vpn={vpn} close={close} added={(site) => { pages.refresh(); setMade(site); }} />}
      {made !== null && <ProfileDialog name={made.name} profile={made.profile ?? ''} about={t('vpn.siteProfileAbout')} close={() => setMade(null)} />}
      {dialog === 'profile' && only && <StoredProfile id={only.id} name={only.name} about={t('vpn.siteProfileAbout')} read={async () => (await vpnSites.get(vpn.id, only.id)).profile ?? ''} close={close} />}
      {dialog === 'remove' && <DeleteDialog items={selected} stale={[vpns.key]} remove={(id) => vpnSites.remove(vpn.id, id)} close={close} done={() => select([])}>{t('vpn.siteRemoveBody')}</DeleteDialog>}
    </>
  );
}
