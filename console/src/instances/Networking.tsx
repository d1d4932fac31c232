import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Instance, Interface } from '../api/types';
import { AssociateToDialog } from '../floating-addresses/AssociateDialog';
import { DisassociateDialog } from '../floating-addresses/DisassociateDialog';
import { floatingAddresses, staleWithAddresses } from '../floating-addresses/floatingAddresses';
import { useText } from '../i18n/text';
import { AttachDialog } from '../interfaces/AttachDialog';
import { Addresses, Groups } from '../interfaces/cells';
import { ChangeDialog } from '../interfaces/ChangeDialog';
import { interfaceName, interfaces } from '../interfaces/interfaces';
import { InterfaceTraffic } from '../interfaces/InterfaceTraffic';
import { traceTo } from '../traces/traces';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { notify } from '../ui/notices';
import { ResourceLink } from '../ui/ResourceLink';
import { RouteLink } from '../ui/RouteLink';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';

type Dialog = 'attach' | 'detach' | 'change' | 'associate' | 'disassociate';

/** The interfaces of an instance, and what can be done to them while it runs. */
export function Networking({ instance }: { instance: Instance }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const [chosen, choose] = useState<string | null>(null);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const close = () => setDialog(null);
  const changed = () => void queries.invalidateQueries({ predicate: (q) => (staleWithAddresses as readonly string[]).includes(String(q.queryKey[0])) });
  // With one interface there is nothing to choose.
  const face = instance.interfaces.find((f) => f.id === chosen) ?? (instance.interfaces.length === 1 ? instance.interfaces[0] : undefined);
  const live = instance.desired !== 'terminated';
  const here = live && face !== undefined && face.state === 'attached';
  const button = (which: Dialog, text: string, enabled: boolean) => <WriteButton needs={which === 'associate' || which === 'disassociate' ? 'floating-addresses:write' : 'interfaces:write'} key={which} disabled={!enabled} onClick={() => setDialog(which)} data-testid={`interface-${which}`}>{text}</WriteButton>;
  return (
    <SpaceBetween size="l">
      <ShortTable
        title={t('instance.interfaces')} items={instance.interfaces} empty={t('interface.emptyInstance')} selected={face} select={(f) => choose(f?.id ?? null)} labelOf={interfaceName}
        description={<RouteLink to={traceTo({ to: instance.name })}>{t('trace.link')}</RouteLink>}
        columns={[
          { id: 'index', header: t('instance.interface'), cell: (f) => <Named face={f} />, isRowHeader: true },
          { id: 'network', header: t('instance.network'), cell: (f) => <ResourceLink {...f.network} /> },
          { id: 'address', header: t('instance.address'), cell: (f) => <Addresses of={f} /> },
          { id: 'floating', header: t('instance.floatingAddress'), cell: (f) => f.floatingAddress ?? '-' },
          { id: 'groups', header: t('instance.securityGroups'), cell: (f) => <Groups of={f} /> },
          { id: 'ranges', header: t('interface.allowedRanges'), cell: (f) => (f.allowedRanges.length === 0 ? '-' : f.allowedRanges.map((r) => <div key={r}><code>{r}</code></div>)) },
          { id: 'mac', header: t('instance.mac'), cell: (f) => <code className="kumoi-whole">{f.macAddress}</code> },
          ...(instance.interfaces.every((f) => f.rateMbps === null) ? [] : [{ id: 'rate', header: t('interface.rate'), cell: (f: Interface) => (f.rateMbps === null ? t('interface.rateNone') : t('interface.rateMbps', { rate: f.rateMbps })) }]),
        ]}
        actions={[
          button('change', t('interface.change'), here),
          face?.floatingAddress ? button('disassociate', t('floatingAddress.disassociate'), here) : button('associate', t('floatingAddress.associate'), here),
          button('detach', t('interface.detach'), here && instance.interfaces.length > 1),
          button('attach', t('interface.attachNetwork'), live),
        ]}
      />
      {face !== undefined && <InterfaceTraffic key={face.id} face={face} />}
      {dialog === 'attach' && <AttachDialog instance={instance} close={close} done={changed} />}
      {dialog === 'change' && face && <ChangeDialog face={face} close={close} done={changed} />}
      {dialog === 'detach' && face && <DetachDialog face={face} close={close} done={changed} />}
      {dialog === 'associate' && face && <AssociateToDialog target={{ id: face.id, name: interfaceName(face) }} close={close} done={changed} />}
      {dialog === 'disassociate' && face && <Disassociate face={face} close={close} done={changed} />}
    </SpaceBetween>
  );
}

function Named({ face }: { face: Interface }): ReactNode {
  const t = useText();
  return (
    <>
      {interfaceName(face)}
      {face.state !== 'attached' && <> <StatusIndicator type="loading">{t.word('interface.state', face.state)}</StatusIndicator></>}
      <Box fontSize="body-s" color="text-body-secondary"><code className="kumoi-whole">{face.id}</code></Box>
    </>
  );
}

interface Props {
  face: Interface;
  close: () => void;
  done: () => void;
}

function DetachDialog({ face, close, done }: Props): ReactNode {
  const t = useText();
  const run = async () => {
    await interfaces.detach(face.id);
    notify({ type: 'success', saying: { key: 'interface.detachNotice', values: { name: interfaceName(face) } } });
    done();
  };
  return <ConfirmDialog title={t('interface.detachTitle', { name: interfaceName(face) })} action={t('interface.detach')} typed={null} run={run} close={close}>{t('interface.detachBody')}</ConfirmDialog>;
}

/** An interface tells its floating address, not that address's id. */
function Disassociate({ face, close, done }: Props): ReactNode {
  const all = useAll([floatingAddresses.key], floatingAddresses.list);
  const address = all.data?.find((a) => a.interface === face.id);
  return address === undefined ? null : <DisassociateDialog address={address} close={close} done={done} />;
}
