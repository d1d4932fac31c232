import type { ReactNode } from 'react';
import { useAll, usePages } from '../api/pages';
import type { Interface } from '../api/types';
import { useText } from '../i18n/text';
import { instances } from '../instances/instances';
import { useMay } from '../session/permissions';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable, type Column } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { Addresses, Groups } from './cells';
import { interfaceName, interfaces } from './interfaces';

/** Who is in a network. */
export function InterfacesTab({ network }: { network: string }): ReactNode {
  const t = useText();
  const may = useMay();
  const look = useTableLook('interfaces', ['id', 'mac', 'ranges']);
  const pages = usePages([interfaces.key, 'network', network], look.pageSize, (page) => interfaces.list({ ...page, network }));
  const columns: Column<Interface>[] = [
    { id: 'name', header: t('instance.interface'), cell: (f) => interfaceName(f), isRowHeader: true, width: 150 },
    { id: 'id', header: t('ui.id'), cell: (f) => <code>{f.id}</code>, width: 220 },
    { id: 'instance', header: t('interface.instance'), cell: (f) => <ResourceLink {...f.instance} />, width: 150 },
    ...(may('hosts:read', 'cloud') ? [{ id: 'host', header: t('instance.host'), cell: (f: Interface) => <HostOf instance={f.instance.id} />, width: 130 }] : []),
    { id: 'address', header: t('instance.address'), cell: (f) => <Addresses of={f} />, width: 230 },
    { id: 'floating', header: t('instance.floatingAddress'), cell: (f) => (f.floatingAddress === null ? '-' : <RouteLink to="/floating-addresses">{f.floatingAddress}</RouteLink>), width: 190 },
    { id: 'mac', header: t('instance.mac'), cell: (f) => <code>{f.macAddress}</code>, width: 180 },
    { id: 'ranges', header: t('interface.allowedRanges'), cell: (f) => f.allowedRanges.join(', ') || '-', width: 200 },
    { id: 'groups', header: t('instance.securityGroups'), cell: (f) => <Groups of={f} />, width: 200 },
  ];
  return <ResourceTable within title={t('instance.interfaces')} pages={pages} look={look} labelOf={interfaceName} empty={t('interface.emptyNetwork')} columns={columns} />;
}

/** Where an instance runs, for operators: an interface does not tell. All rows share one reading. */
function HostOf({ instance }: { instance: string }): ReactNode {
  const all = useAll([instances.key], instances.list);
  const host = all.data?.find((i) => i.id === instance)?.host;
  return host === undefined ? '-' : <ResourceLink {...host} />;
}
