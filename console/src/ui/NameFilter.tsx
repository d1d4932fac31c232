import TextFilter from '@cloudscape-design/components/text-filter';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

export function NameFilter({ value, change }: { value: string; change: (next: string) => void }): ReactNode {
  const t = useText();
  return (
    <TextFilter filteringText={value} filteringPlaceholder={t('ui.filterByName')} filteringAriaLabel={t('ui.filterByName')} filteringClearAriaLabel={t('ui.clearFilter')}
      onChange={(e) => change(e.detail.filteringText)} />
  );
}
