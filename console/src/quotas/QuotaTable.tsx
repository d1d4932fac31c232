import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { resyncMs } from '../api/pages';
import type { Page, Quota } from '../api/types';
import { CapacityBar } from '../hosts/CapacityBar';
import { useText } from '../i18n/text';
import { NameFilter } from '../ui/NameFilter';
import { ShortTable } from '../ui/ShortTable';
import { useAmount } from './amounts';
import { quotas, strainOf } from './quotas';

interface Props {
  title: string;
  description: string;
  /** What its queries are known by beside `quotas`. */
  name: string;
  read: () => Promise<Page<Quota>>;
  /** What can be done with the chosen limit. */
  actions: (chosen: Quota | undefined) => readonly ReactNode[];
}

export function useQuotas(name: string, read: () => Promise<Page<Quota>>) {
  return useQuery({ queryKey: [quotas.key, name], queryFn: read, refetchInterval: resyncMs });
}

/** Limits and what is used of them; one is chosen at a time. */
export function QuotaTable({ title, description, name, read, actions }: Props): ReactNode {
  const t = useText();
  const { data, error } = useQuotas(name, read);
  const [chosen, choose] = useState<string | null>(null);
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const rows = data?.items.map((q) => ({ ...q, id: q.resource })).filter((q) => `${q.resource} ${t.word('quota.resource', q.resource)}`.toLowerCase().includes(wanted));
  const selected = rows?.find((q) => q.id === chosen);
  const shares = rows?.some((q) => (q.domains?.length ?? 0) > 0) === true;
  return (
    <ShortTable
      title={title} description={description} items={rows} error={error} empty={t('ui.noMatch')} selected={selected} select={(q) => choose(q?.id ?? null)} labelOf={(q) => t.word('quota.resource', q.resource)} actions={actions(selected)}
      filter={<NameFilter value={text} change={setText} />}
      columns={[
        { id: 'resource', header: t('quota.resource'), isRowHeader: true, minWidth: 190, cell: (q) => t.word('quota.resource', q.resource) },
        { id: 'use', header: t('quota.use'), minWidth: 210, cell: (q) => <Use quota={q} /> },
        { id: 'source', header: t('quota.source'), minWidth: 160, cell: (q) => t.word('quota.source', q.source) },
        ...(shares ? [{ id: 'shared', header: t('quota.shared'), minWidth: 240, cell: (q: Quota) => <Shared quota={q} /> }] : []),
      ]}
    />
  );
}

/** How much of the limit is used, as a bar; without a limit there is nothing to fill. */
function Use({ quota: q }: { quota: Quota }): ReactNode {
  const t = useText();
  const amount = useAmount();
  const strain = strainOf(q);
  return (
    <div data-testid={`quota-${q.resource}`} data-used={q.used} data-limit={q.limit ?? 'none'} data-strain={strain}>
      {q.limit === null
        ? t('quota.unlimited', { used: amount(q.resource, q.used) })
        : <CapacityBar used={q.used} total={q.limit} show={(x) => amount(q.resource, x)} label={t.word('quota.resource', q.resource)} warns={strain !== 'calm'} />}
      {strain !== 'calm' && <StatusIndicator type="warning">{t(strain === 'full' ? 'quota.full' : 'quota.near')}</StatusIndicator>}
    </div>
  );
}

/** Limits of the domains above, which all of their accounts share. */
function Shared({ quota: q }: { quota: Quota }): ReactNode {
  const amount = useAmount();
  if (q.domains === null || q.domains.length === 0) return '-';
  return (
    <SpaceBetween size="xs">
      {q.domains.map((d) => (
        <div key={d.domain.id}>
          <Box fontSize="body-s" color="text-body-secondary">{d.domain.name}</Box>
          <CapacityBar used={d.used} total={d.limit} show={(x) => amount(q.resource, x)} label={d.domain.name} />
        </div>
      ))}
    </SpaceBetween>
  );
}
