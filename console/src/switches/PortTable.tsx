import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Switch } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { NameFilter } from '../ui/NameFilter';
import { ShortTable } from '../ui/ShortTable';
import { WriteButton } from '../ui/WriteButton';
import { PortDialog } from './PortDialog';
import { portRows, portsMark, settingText, switches } from './switches';
import { PortState } from './SwitchState';

/** So many ports are found at a glance. */
const filterFrom = 12;

/** What the switch has, beside what is wanted of it. */
export function PortTable({ of }: { of: Switch }): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const [chosen, choose] = useState<string | null>(null);
  const [setting, setSetting] = useState(false);
  // Its management is slow: it is asked when somebody looks or a port has changed, not at intervals, and not again for an answer of failure.
  const seen = useQuery({
    queryKey: [switches.key, 'ports', of.id, portsMark(of)], placeholderData: keepPreviousData, retry: false, refetchOnWindowFocus: false,
    queryFn: () => switches.ports(of.id).finally(() => void queries.invalidateQueries({ queryKey: [switches.key, 'one', of.id] })),
  });
  const rows = portRows(of.ports, seen.data);
  const shown = rows.filter((r) => r.id.toLowerCase().includes(text.trim().toLowerCase()));
  const selected = rows.find((r) => r.id === chosen);
  return (
    <>
      <ShortTable
        title={t('switch.ports')} description={t(seen.error === null ? 'switch.portsAbout' : 'switch.portsSilent')} items={seen.isPending ? undefined : shown} error={seen.error} empty={rows.length > 0 ? t('ui.noMatch') : t('switch.portsEmpty')}
        selected={selected} select={(r) => choose(r?.id ?? null)} labelOf={(r) => r.id} filter={rows.length > filterFrom && <NameFilter value={text} change={setText} />}
        columns={[
          { id: 'name', header: t('switch.port'), cell: (r) => <code>{r.id}</code>, isRowHeader: true, minWidth: 120 },
          { id: 'now', header: t('switch.portNow'), cell: (r) => (r.now === null ? '-' : settingText(t, r.now)), minWidth: 160 },
          { id: 'wanted', header: t('switch.portWanted'), cell: (r) => (r.wanted === null ? <Box color="text-status-inactive">{t('switch.portUntouched')}</Box> : settingText(t, r.wanted)), minWidth: 160 },
          { id: 'state', header: t('ui.state'), cell: (r) => (r.wanted === null ? '-' : <PortState port={r.wanted} />), minWidth: 220 },
          { id: 'checked', header: t('switch.checked'), cell: (r) => (r.wanted?.checkedAt ? format.dateTime(r.wanted.checkedAt) : '-'), minWidth: 180 },
        ]}
        actions={[
          <Button key="refresh" iconName="refresh" ariaLabel={t('ui.refresh')} loading={seen.isFetching} onClick={() => void seen.refetch()} data-testid="ports-refresh" />,
          <WriteButton needs="switches:write" reach="cloud" key="set" onClick={() => setSetting(true)} data-testid="set-port">{t('switch.portSet')}</WriteButton>,
        ]}
      />
      {setting && <PortDialog of={of} row={selected} close={() => setSetting(false)} done={() => void queries.invalidateQueries({ queryKey: [switches.key, 'one', of.id] })} />}
    </>
  );
}
