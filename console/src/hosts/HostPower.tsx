import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import type { Host } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';

/** What the controller of the host's power said last. */
export function HostPower({ host }: { host: Host }): ReactNode {
  const t = useText();
  const format = useFormat();
  if (host.power === null) return t('host.power.none');
  const { state, driver, address, checkedAt } = host.power;
  return (
    <>
      {t.word('host.power', state ?? 'unknown')}
      <Box fontSize="body-s" color="text-body-secondary">
        {driver} {address}
        {checkedAt !== null && <> · {format.fromNow(checkedAt)}</>}
      </Box>
    </>
  );
}
