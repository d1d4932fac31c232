import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { ListenerCertificate } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';

/** Nothing renews a certificate by itself: who has to is warned in time. */
const warnBeforeMs = 21 * 86_400_000;

/** What a certificate is for, and until when. */
export function CertificateCell({ certificate }: { certificate: ListenerCertificate | null }): ReactNode {
  const t = useText();
  const format = useFormat();
  if (certificate === null) return '-';
  const left = Date.parse(certificate.expiresAt) - Date.now();
  const until = t(left <= 0 ? 'balancer.expired' : 'balancer.expires', { time: format.date(certificate.expiresAt) });
  return (
    <div title={certificate.fingerprint}>
      <span className="kumoi-anywhere">{certificate.names.join(', ') || certificate.subject}</span>
      <Box fontSize="body-s" color="text-body-secondary">{left < warnBeforeMs ? <StatusIndicator type={left <= 0 ? 'error' : 'warning'}>{until}</StatusIndicator> : until}</Box>
    </div>
  );
}
