import Toggle from '@cloudscape-design/components/toggle';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Host } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { notify } from '../ui/notices';
import { hosts } from './hosts';

export function SchedulableToggle({ host, worded = true }: { host: Host; worded?: boolean }): ReactNode {
  const t = useText();
  const may = useMay();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const change = async (schedulable: boolean) => {
    setBusy(true);
    try {
      queries.setQueryData([hosts.key, 'one', host.id], await hosts.update(host.id, { schedulable }));
    } catch (failure) {
      notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: 1, total: 1 } }, failures: [failure as Error] });
    } finally {
      await queries.invalidateQueries({ queryKey: [hosts.key] });
      setBusy(false);
    }
  };
  return (
    <Toggle checked={host.schedulable} disabled={busy || !may('hosts:write', 'cloud')} onChange={(e) => void change(e.detail.checked)} ariaLabel={`${t('host.schedulable')}: ${host.name}`}>
      {worded && t(host.schedulable ? 'host.schedulable.yes' : 'host.schedulable.no')}
    </Toggle>
  );
}
