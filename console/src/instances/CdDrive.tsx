import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { notify } from '../ui/notices';
import { ResourceLink } from '../ui/ResourceLink';
import { AttachCdDialog } from './AttachCdDialog';
import { instances } from './instances';

/** What is in an instance's CD drive, and the buttons that change it. */
export function CdDrive({ instance: i }: { instance: Instance }): ReactNode {
  const t = useText();
  const may = useMay();
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<'attach' | 'detach' | null>(null);
  const close = () => setDialog(null);
  const done = (changed: Instance) => queries.setQueryData([instances.key, 'one', changed.id], changed);
  const detach = async () => {
    done(await instances.detachCd(i.id));
    notify({ type: 'success', saying: { key: 'instance.cd.detachNotice', values: { name: i.name } } });
  };
  const alive = may('instances:write') && i.desired !== 'terminated';
  return (
    <SpaceBetween size="xxs" direction="horizontal" alignItems="center">
      <span data-testid="cd-drive">{i.cd === null ? t('instance.cd.empty') : <ResourceLink {...i.cd} />}</span>
      {alive && <Button variant="inline-icon" iconName={i.cd === null ? 'add-plus' : 'edit'} ariaLabel={t(i.cd === null ? 'instance.cd.attach' : 'instance.cd.change')} onClick={() => setDialog('attach')} data-testid="cd-attach" />}
      {alive && i.cd !== null && <Button variant="inline-icon" iconName="remove" ariaLabel={t('instance.cd.detach')} onClick={() => setDialog('detach')} data-testid="cd-detach" />}
      {dialog === 'attach' && <AttachCdDialog instance={i} close={close} done={done} />}
      {dialog === 'detach' && (
        <ConfirmDialog title={t('instance.cd.detachTitle', { name: i.name, image: i.cd?.name ?? '' })} action={t('instance.cd.detach')} typed={null} run={detach} close={close}>
          {t('instance.cd.detachBody')}
        </ConfirmDialog>
      )}
    </SpaceBetween>
  );
}
