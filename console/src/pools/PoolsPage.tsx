import Badge from '@cloudscape-design/components/badge';
import type { ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { Pool, Store } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { pools } from './pools';
import { PoolState } from './PoolState';
import { AllocatedBar, UsedBar } from './StoreRoom';

export function PoolsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const look = useTableLook('pools', ['id', 'driver', 'overcommit', 'warn', 'created']);
  const pages = usePages([pools.key], look.pageSize, pools.list);
  /** Of stores only operators are told. */
  const told = (pool: Pool, cell: (stores: readonly Store[]) => ReactNode) => (pool.stores === null ? '-' : cell(pool.stores));
  return (
    <Page trail={[{ text: t('pool.title'), href: '/pools' }]}>
      <ResourceTable
        title={t('pool.title')} description={t('pool.about')} pages={pages} look={look} labelOf={(p) => p.name} empty={t('pool.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (p) => <><ResourceLink {...p} />{p.default && <> <Badge>{t('pool.default')}</Badge></>}</>, isRowHeader: true, width: 180 },
          { id: 'id', header: t('ui.id'), cell: (p) => <code>{p.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (p) => <PoolState pool={p} />, width: 170 },
          { id: 'driver', header: t('pool.driver'), cell: (p) => t.word('pool.driver', p.driver), width: 200 },
          { id: 'shared', header: t('pool.shared'), cell: (p) => t(`pool.sharedShort.${p.shared ? 'yes' : 'no'}`), width: 110 },
          { id: 'stores', header: t('pool.stores'), cell: (p) => told(p, (stores) => format.number(stores.length)), width: 90 },
          { id: 'used', header: t('pool.used'), cell: (p) => told(p, (stores) => <UsedBar pool={p} stores={stores} />), width: 190 },
          { id: 'allocated', header: t('pool.allocated'), cell: (p) => told(p, (stores) => <AllocatedBar pool={p} stores={stores} />), width: 190 },
          { id: 'accounts', header: t('account.title'), cell: (p) => p.accounts?.map((a) => a.name).join(', ') ?? t('account.all'), width: 180 },
          { id: 'overcommit', header: t('pool.overcommit'), cell: (p) => p.overcommit, width: 150 },
          { id: 'warn', header: t('pool.warn'), cell: (p) => t('pool.warnFrom', { percent: format.percent(p.warnPercent, 100) }), width: 150 },
          { id: 'created', header: t('ui.created'), cell: (p) => format.dateTime(p.createdAt), width: 235 },
        ]}
      />
    </Page>
  );
}
