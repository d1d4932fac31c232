import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { WriteButton } from '../ui/WriteButton';
import { ActionDialog } from './ActionDialog';
import { actions, canDo, type Action } from './instances';

export function ActionButtons({ chosen, done }: { chosen: readonly Instance[]; done?: () => void }): ReactNode {
  const t = useText();
  // What was chosen when the dialog opened: live updates must not change what is confirmed.
  const [asked, setAsked] = useState<{ action: Action; chosen: readonly Instance[] } | null>(null);
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        {actions.map((action) => (
          <WriteButton needs="instances:write" key={action} disabled={!chosen.some((i) => canDo(action, i))} onClick={() => setAsked({ action, chosen })} data-testid={`instance-${action}`}>
            {t(`instance.${action}`)}
          </WriteButton>
        ))}
      </SpaceBetween>
      {asked !== null && <ActionDialog {...asked} close={() => setAsked(null)} {...(done ? { done } : {})} />}
    </>
  );
}
