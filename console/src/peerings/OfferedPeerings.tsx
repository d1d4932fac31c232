import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Peering } from '../api/types';
import { useText } from '../i18n/text';
import { useAccount, useMay } from '../session/permissions';
import { ProblemAlert } from '../ui/ProblemAlert';
import { isOffered, otherSide, ownSide, peerings } from './peerings';

/** What other accounts ask for, to be answered; nothing if nobody asks. */
export function OfferedPeerings({ network }: { network?: string }): ReactNode {
  const account = useAccount();
  const all = useAll([peerings.key], peerings.list);
  const offered = (all.data ?? []).filter((p) => isOffered(p, account) && (network === undefined || p.peerNetwork.id === network));
  if (offered.length === 0) return null;
  return <SpaceBetween size="s">{offered.map((p) => <Offer key={p.id} peering={p} account={account} />)}</SpaceBetween>;
}

function Offer({ peering, account }: { peering: Peering; account: string }): ReactNode {
  const t = useText();
  const may = useMay();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error | null>(null);
  const reply = async (act: (id: string) => Promise<unknown>) => {
    setBusy(true);
    setFailure(null);
    await act(peering.id).catch((error: Error) => setFailure(error));
    setBusy(false);
    void queries.invalidateQueries({ queryKey: [peerings.key] });
  };
  return (
    <SpaceBetween size="xs">
      <Alert
        type="info" header={t('peering.offered', { other: otherSide(peering, account), own: ownSide(peering, account).name })} data-testid="peering-offer"
        action={may('peerings:write') && (
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={busy} onClick={() => void reply(peerings.reject)}>{t('peering.reject')}</Button>
            <Button disabled={busy} onClick={() => void reply(peerings.accept)} data-testid="peering-accept">{t('peering.accept')}</Button>
          </SpaceBetween>
        )}
      >
        {t('peering.offeredBody')}
      </Alert>
      <ProblemAlert failure={failure} />
    </SpaceBetween>
  );
}
