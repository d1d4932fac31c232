import type { ReactNode } from 'react';
import type { HostPool } from '../api/types';
import { useText } from '../i18n/text';

/** Whose a pool is, in words. */
export function HostPoolFor({ pool: p }: { pool: Pick<HostPool, 'allAccounts' | 'accounts'> }): ReactNode {
  const t = useText();
  if (p.allAccounts) return t('hostPool.for.all');
  return (p.accounts ?? []).map((a) => a.name).join(', ') || t('hostPool.nobody');
}
