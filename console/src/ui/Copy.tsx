import CopyToClipboard from '@cloudscape-design/components/copy-to-clipboard';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

/** A text with a button that copies it. */
export function Copy({ text, shown }: { text: string; shown?: ReactNode }): ReactNode {
  const t = useText();
  return (
    <span className="kumoi-copy">
      <CopyToClipboard variant="icon" textToCopy={text} copyButtonAriaLabel={t('ui.copy')} copySuccessText={t('ui.copied')} copyErrorText={t('ui.copyFailed')} />
      {shown ?? <code>{text}</code>}
    </span>
  );
}
