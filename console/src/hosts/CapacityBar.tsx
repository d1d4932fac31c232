import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

interface Props {
  used: number;
  total: number;
  show: (amount: number) => string;
  label: string;
  /** The bar has the colour of a warning. */
  warns?: boolean;
}

/** How much of an amount is given out, as a bar and in words. */
export function CapacityBar({ used, total, show, label, warns = false }: Props): ReactNode {
  const t = useText();
  const percent = total > 0 ? Math.min(100, (100 * used) / total) : 0;
  const words = t('host.used', { used: show(used), total: show(total) });
  return (
    <div>
      <div style={{ whiteSpace: 'nowrap' }}>{words}</div>
      <span className="kumoi-bar" role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent)} aria-valuetext={words}>
        <span style={{ width: `${percent}%` }} data-full={percent >= 95} data-warns={warns} />
      </span>
    </div>
  );
}
