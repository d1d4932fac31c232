import Checkbox from '@cloudscape-design/components/checkbox';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

/** Whether a volume goes with the instance that it is attached to. */
export function DeleteOnTermination({ checked, change }: { checked: boolean; change: (next: boolean) => void }): ReactNode {
  const t = useText();
  return <Checkbox checked={checked} onChange={(e) => change(e.detail.checked)} description={t('volume.deleteOnTerminationHint')} data-testid="volume-delete-on-termination">{t('volume.deleteOnTermination')}</Checkbox>;
}
