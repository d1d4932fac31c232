import Button, { type ButtonProps } from '@cloudscape-design/components/button';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { useMay, type Permission, type Reach } from '../session/permissions';
import { session } from '../session/session';
import { useStore } from './store';

interface Props extends ButtonProps {
  needs: Permission;
  reach?: Reach;
}

/** A button for something that not everybody may do; it says what is lacking. */
export function WriteButton({ needs, reach, ...props }: Props): ReactNode {
  const t = useText();
  const may = useMay();
  const { self } = useStore(session);
  if (may(needs, reach)) return <Button {...props} />;
  const held = self !== null && self.actingFor.state !== 'active';
  return <Button {...props} disabled disabledReason={held ? t('session.held', { name: self.actingFor.name }) : t('ui.needs', { permission: needs })} />;
}
