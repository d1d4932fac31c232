import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { Fragment, type ReactNode } from 'react';
import type { Pool, Store } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { ResourceLink } from '../ui/ResourceLink';
import { ShortTable } from '../ui/ShortTable';
import { isNearlyFull } from './pools';
import { AllocatedBar, UsedBar } from './StoreRoom';

/** The stores of a pool: who reaches them, and how full they are. */
export function StoreTable({ pool, stores }: { pool: Pool; stores: readonly Store[] }): ReactNode {
  const t = useText();
  const format = useFormat();
  return (
    <ShortTable
      title={t('pool.stores')} description={t('pool.storesAbout')} items={stores} empty={t('pool.storesEmpty')} labelOf={(s) => s.id}
      columns={[
        {
          id: 'id', header: t('pool.store'), isRowHeader: true, minWidth: 220,
          cell: (s) => <><code className="kumoi-whole">{s.id}</code>{s.own && <Box fontSize="body-s" color="text-body-secondary">{t('pool.storeOwn')}</Box>}</>,
        },
        {
          id: 'hosts', header: t('pool.storeHosts'), minWidth: 130,
          cell: (s) => (s.hosts.length === 0 ? <StatusIndicator type="error">{t('pool.state.unreached')}</StatusIndicator> : s.hosts.map((h, n) => <Fragment key={h.id}>{n > 0 && ', '}<ResourceLink {...h} /></Fragment>)),
        },
        {
          id: 'used', header: t('pool.used'), minWidth: 190,
          cell: (s) => (
            <div data-testid="store-used" data-warns={isNearlyFull(s, pool)}>
              <UsedBar pool={pool} stores={[s]} />
              {isNearlyFull(s, pool) && <StatusIndicator type="warning">{t('pool.storeFull', { percent: format.percent(s.usedGib, s.capacityGib) })}</StatusIndicator>}
            </div>
          ),
        },
        { id: 'allocated', header: t('pool.allocated'), cell: (s) => <AllocatedBar pool={pool} stores={[s]} />, minWidth: 190 },
        { id: 'reported', header: t('pool.reported'), cell: (s) => format.dateTime(s.reportedAt), minWidth: 180 },
      ]}
    />
  );
}
