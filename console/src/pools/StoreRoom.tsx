import type { ReactNode } from 'react';
import type { Pool, Store } from '../api/types';
import { CapacityBar } from '../hosts/CapacityBar';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { isNearlyFull, promisedMax, sum } from './pools';

interface Props {
  pool: Pool;
  /** One of the pool's, or all of them together. */
  stores: readonly Store[];
}

/** How much of stores is taken. One store that is nearly full is not hidden by others that are not. */
export function UsedBar({ pool, stores }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  return <CapacityBar used={sum(stores, (s) => s.usedGib)} total={sum(stores, (s) => s.capacityGib)} show={format.gib} label={t('pool.used')} warns={stores.some((s) => isNearlyFull(s, pool))} />;
}

/** How much of what may be promised of stores is promised. */
export function AllocatedBar({ pool, stores }: Props): ReactNode {
  const t = useText();
  const format = useFormat();
  return <CapacityBar used={sum(stores, (s) => s.allocatedGib)} total={sum(stores, (s) => promisedMax(s, pool))} show={format.gib} label={t('pool.allocated')} />;
}
