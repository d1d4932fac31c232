import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { PoolDrain } from '../api/types';
import { useText } from '../i18n/text';
import { ShortTable } from '../ui/ShortTable';

/** How far a pool is emptied, and what the volumes wait for that are left. */
export function PoolDrainTable({ drain }: { drain: PoolDrain }): ReactNode {
  const t = useText();
  const isDone = drain.left === 0 && drain.leaving === 0;
  return (
    <div data-testid="pool-drain" data-left={drain.left}>
      <ShortTable
        title={t('pool.drainOf', { to: drain.to.name })} items={drain.waits.map((wait) => ({ ...wait, id: wait.volume.id }))} empty={t('pool.waitsEmpty')} labelOf={(w) => w.volume.name}
        description={<><StatusIndicator type={isDone ? 'success' : 'in-progress'}>{isDone ? t('pool.drainDone') : t('pool.drainLeft', { left: drain.left, moving: drain.moving, leaving: drain.leaving })}</StatusIndicator> {drain.waits.length > 0 && t('pool.waitsAbout')}</>}
        columns={[
          { id: 'volume', header: t('pool.waits'), isRowHeader: true, minWidth: 180, cell: (w) => w.volume.name },
          { id: 'account', header: t('account.title'), minWidth: 130, cell: (w) => w.account.name },
          { id: 'instance', header: t('volume.instance'), minWidth: 150, cell: (w) => (w.instance === null ? t('volume.instanceNone') : w.instance.name) },
          { id: 'reason', header: t('pool.waitFor'), minWidth: 220, cell: (w) => t.word('pool.wait', w.reason) },
        ]}
      />
    </div>
  );
}
