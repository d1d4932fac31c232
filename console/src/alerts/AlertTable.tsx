import Box from '@cloudscape-design/components/box';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages } from '../api/pages';
import { useStale } from '../api/stale';
import type { Alert } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { notify } from '../ui/notices';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { AcknowledgeDialog } from './AcknowledgeDialog';
import { alerts, alertStates, lookOf, severities, staleWithAlerts, type Whose } from './alerts';

/** What needs somebody, of an account or of the cloud. */
export function AlertTable({ whose, description }: { whose: Whose; description: string }): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const of = alerts[whose];
  const [search, setSearch] = useSearchParams();
  const state = alertStates.find((s) => s === search.get('state')) ?? 'unresolved';
  const severity = severities.find((s) => s === search.get('severity'));
  const filters = { state, ...(severity === undefined ? {} : { severity }) };
  const look = useTableLook('alerts', ['id', 'kind', 'seen', 'count']);
  const pages = usePages<Alert>([of.key, filters], look.pageSize, (page) => of.list({ ...page, ...filters }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const [asking, ask] = useState(false);
  const selected = pages.items.filter((a) => chosen.includes(a.id));
  const put = (next: Record<string, string>) => setSearch(Object.entries({ tab: 'alerts', state: state as string, severity: severity ?? '', ...next }).filter(([, value]) => value !== ''), { replace: true });
  const stateOptions = alertStates.map((value) => ({ value: value as string, label: t(`alert.state.${value}`) }));
  const severityOptions = [{ value: '', label: t('alert.anySeverity') }, ...severities.map((value) => ({ value: value as string, label: t(`alert.severity.${value}`) }))];
  const may = { needs: whose === 'cloud' ? 'cloud-alerts:write' : 'alerts:write', reach: whose } as const;
  const unacknowledge = async () => {
    try {
      for (const one of selected) await of.unacknowledge(one.id);
      notify({ type: 'success', saying: { key: 'alert.unacknowledged', values: { count: selected.length } } });
    } catch (failure) {
      notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: 1, total: selected.length } }, failures: [failure as Error] });
    } finally {
      stale(staleWithAlerts);
    }
  };
  return (
    <>
      <ResourceTable<Alert>
        title={t('alert.title')} description={description} within pages={pages} look={look} selected={selected} select={(items) => choose(items.map((a) => a.id))} labelOf={(a) => a.message} empty={t(state === 'resolved' ? 'alert.empty' : 'alert.emptyUnresolved')}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Select selectedOption={stateOptions.find((o) => o.value === state) ?? null} options={stateOptions} ariaLabel={t('ui.state')} onChange={(e) => put({ state: e.detail.selectedOption.value ?? '' })} data-testid="alerts-state" />
            <Select selectedOption={severityOptions.find((o) => o.value === (severity ?? '')) ?? null} options={severityOptions} ariaLabel={t('alert.severity')} onChange={(e) => put({ severity: e.detail.selectedOption.value ?? '' })} data-testid="alerts-severity" />
          </SpaceBetween>
        }
        columns={[
          { id: 'state', header: t('ui.state'), cell: (a) => <span data-testid="alert" data-kind={a.kind} data-state={a.state} data-severity={a.severity}><StatusIndicator type={lookOf(a)}>{a.state === 'open' ? t.word('alert.severity', a.severity) : t.word('alert.state', a.state)}</StatusIndicator></span>, width: 140 },
          { id: 'message', header: t('alert.message'), isRowHeader: true, cell: (a) => <div className="kumoi-anywhere">{a.message}<Box fontSize="body-s" color="text-body-secondary"><span className="kumoi-anywhere">{a.state === 'resolved' ? '' : a.action}</span></Box></div>, width: 480 },
          { id: 'resource', header: t('event.resource'), cell: (a) => <ResourceLink id={a.resource.id} name={a.resource.name} />, width: 160 },
          { id: 'cause', header: t('alert.cause'), cell: (a) => (a.cause === null ? '-' : <ResourceLink {...a.cause} />), width: 140 },
          { id: 'raised', header: t('alert.raised'), cell: (a) => format.dateTime(a.raisedAt), width: 220 },
          { id: 'by', header: t('alert.acknowledgedBy'), cell: (a) => (a.acknowledgement === null ? '-' : `${a.acknowledgement.by}${a.acknowledgement.note === '' ? '' : `: ${a.acknowledgement.note}`}`), width: 220 },
          { id: 'kind', header: t('alert.kind'), cell: (a) => t.word('alert.kind', a.kind), width: 200 },
          { id: 'seen', header: t('alert.seen'), cell: (a) => format.dateTime(a.lastSeenAt), width: 220 },
          { id: 'count', header: t('alert.count'), cell: (a) => format.number(a.count), width: 90 },
          { id: 'id', header: t('ui.id'), cell: (a) => <code>{a.id}</code>, width: 220 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0 || !selected.every((a) => a.state === 'acknowledged')} onClick={() => void unacknowledge()} data-testid="alert-unacknowledge">{t('alert.unacknowledge')}</WriteButton>
            <WriteButton {...may} variant="primary" disabled={selected.length === 0 || selected.some((a) => a.state === 'resolved')} onClick={() => ask(true)} data-testid="alert-acknowledge">{t('alert.acknowledge')}</WriteButton>
          </SpaceBetween>
        }
      />
      {asking && <AcknowledgeDialog whose={whose} items={selected} close={() => ask(false)} />}
    </>
  );
}
