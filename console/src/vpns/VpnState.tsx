import Box from '@cloudscape-design/components/box';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Vpn } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { isConnected } from './vpns';

const looks: Readonly<Record<string, StatusIndicatorProps.Type>> = { up: 'success', pending: 'pending', failed: 'error', 'no-host': 'stopped' };

export function VpnState({ vpn }: { vpn: Pick<Vpn, 'state' | 'problem'> }): ReactNode {
  const t = useText();
  return (
    <div data-testid="vpn-state" data-state={vpn.state}>
      <StatusIndicator type={looks[vpn.state] ?? 'info'}>{t.word('vpn.state', vpn.state)}</StatusIndicator>
      {vpn.problem !== null && <Box fontSize="body-s"><span className="kumoi-anywhere">{vpn.problem}</span></Box>}
    </div>
  );
}

/** Whether the other end is there, and when it was heard last. */
export function Connected({ handshakeAt }: { handshakeAt: string | null }): ReactNode {
  const t = useText();
  const format = useFormat();
  const now = Date.now();
  if (handshakeAt === null) return <StatusIndicator type="stopped">{t('vpn.never')}</StatusIndicator>;
  const connected = isConnected(handshakeAt, now);
  return (
    <span title={format.dateTime(handshakeAt)} data-testid="vpn-peer" data-connected={connected}>
      <StatusIndicator type={connected ? 'success' : 'stopped'}>{t(connected ? 'vpn.connected' : 'vpn.heard', { when: format.fromNow(handshakeAt, now) })}</StatusIndicator>
    </span>
  );
}
