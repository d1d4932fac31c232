import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';

/** A button for something that readers may not do. */
export function WriteButton(props: ButtonProps): ReactNode {
  const t = useText();
  const may = useMay();
  return may.write ? <Button {...props} /> : <Button {...props} disabled disabledReason={t('ui.readerOnly')} />;
}
