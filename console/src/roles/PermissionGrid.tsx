import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { answer, api } from '../api/client';
import { useText } from '../i18n/text';
import { useMay, type Permission } from '../session/permissions';
import { Loading } from '../ui/Loading';
import { ProblemAlert } from '../ui/ProblemAlert';
import { rowsOf, tickOf, toggle, type RoleReach } from './grid';

interface Props {
  patterns: readonly string[];
  reach: RoleReach;
  /** Without it the boxes only show. */
  change?: (patterns: string[]) => void;
  error?: string | undefined;
  /** A token is never good for more than its user, whatever is ticked: nothing need be kept from it. */
  whose?: 'role' | 'token';
}

/** Capabilities by verbs, as boxes to tick; what one may not give oneself cannot be ticked. */
export function PermissionGrid({ patterns, reach, change, error, whose = 'role' }: Props): ReactNode {
  const t = useText();
  const may = useMay();
  const [text, setText] = useState('');
  const known = useQuery({ queryKey: ['permissions'], queryFn: () => answer(api.GET('/api/v1/permissions', {})), staleTime: Infinity });
  if (known.data === undefined) return known.error === null ? <Loading /> : <ProblemAlert failure={known.error} />;
  const label = (capability: string) => t.word('role.capability', capability);
  const all = rowsOf(known.data.items, reach, patterns).filter((row) => change !== undefined || row.verbs.some((verb) => tickOf(patterns, `${row.capability}:${verb}`) !== 'none'));
  const rows = all.filter(({ capability }) => `${capability} ${label(capability)}`.toLowerCase().includes(text.trim().toLowerCase()));
  const mine = (pattern: string) => (whose === 'token' ? true : reach === 'account' ? may(pattern as Permission) : may(pattern as Permission, reach));
  const box = (pattern: string, words: string, capability: string) => {
    const tick = tickOf(patterns, pattern);
    return (
      <Checkbox
        key={pattern} checked={tick !== 'none'} readOnly={change === undefined} disabled={change !== undefined && (tick === 'wider' || (tick === 'none' && !mine(pattern)))}
        ariaLabel={`${capability}: ${words}`} onChange={() => change?.(toggle(patterns, pattern))} data-testid={`permission-${pattern}`}
      >
        {words}
      </Checkbox>
    );
  };
  const words = (verb: string) => t.word('role.verb', verb === '*' ? 'all' : verb);
  const line = (capability: string, verbs: readonly string[]) => [...(change === undefined && tickOf(patterns, `${capability}:*`) === 'none' ? [] : ['*']), ...verbs].map((verb) => box(`${capability}:${verb}`, words(verb), capability === '*' ? t('role.everything') : label(capability)));
  return (
    <SpaceBetween size="s">
      {error !== undefined && <Box color="text-status-error">{error}</Box>}
      {change !== undefined && <TextFilter filteringText={text} filteringPlaceholder={t('role.find')} filteringAriaLabel={t('role.find')} filteringClearAriaLabel={t('ui.clearFilter')} onChange={(e) => setText(e.detail.filteringText)} />}
      <div className="kumoi-grid" role="table" aria-label={t('role.permissions')}>
        {change !== undefined && <div role="row"><div role="rowheader"><b>{t('role.everything')}</b><code>*</code></div><div role="cell">{line('*', ['read', 'write'])}</div></div>}
        {rows.map(({ capability, verbs }) => (
          <div key={capability} role="row"><div role="rowheader">{label(capability)}<code>{capability}</code></div><div role="cell">{line(capability, verbs)}</div></div>
        ))}
      </div>
      {rows.length === 0 && <Box color="text-body-secondary">{t('ui.noMatch')}</Box>}
    </SpaceBetween>
  );
}
