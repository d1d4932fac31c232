import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import type { Role } from '../api/types';
import { useText } from '../i18n/text';
import { RoleName } from './RoleName';
import { PermissionGrid } from './PermissionGrid';

/** What a role allows, capability by capability. */
export function ShowRole({ role, close }: { role: Role; close: () => void }): ReactNode {
  const t = useText();
  return (
    <Modal visible size="large" header={<RoleName name={role.name} />} onDismiss={close} closeAriaLabel={t('ui.close')} footer={<Box float="right"><Button variant="primary" onClick={close}>{t('ui.close')}</Button></Box>}>
      <SpaceBetween size="m">
        <div>{role.builtIn ? t.word('role.about', role.name) : role.description}</div>
        <Box><b>{t('role.patterns')}</b>: <code className="kumoi-anywhere">{role.permissions.join(' ')}</code></Box>
        <PermissionGrid patterns={role.permissions} reach={role.account === null ? 'cloud' : 'account'} />
      </SpaceBetween>
    </Modal>
  );
}
