import Box from '@cloudscape-design/components/box';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { useQueryClient } from '@tanstack/react-query';
import { Fragment, useState, type ReactNode } from 'react';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { SecurityGroupPicker } from '../security-groups/SecurityGroupPicker';
import { FormDialog } from '../ui/FormDialog';
import { ResourceLink } from '../ui/ResourceLink';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { instances } from './instances';

export function Networking({ instance }: { instance: Instance }): ReactNode {
  const t = useText();
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Table
        variant="embedded" items={instance.interfaces} trackBy="id" wrapLines
        header={<Header variant="h3" actions={<WriteButton disabled={instance.desired === 'terminated'} onClick={() => setEditing(true)}>{t('instance.editGroups')}</WriteButton>}>{t('instance.interfaces')}</Header>}
        columnDefinitions={[
          { id: 'id', header: t('instance.interface'), cell: (f) => <code>{f.id}</code>, isRowHeader: true },
          { id: 'network', header: t('instance.network'), cell: (f) => <ResourceLink {...f.network} /> },
          { id: 'subnet', header: t('instance.subnet'), cell: (f) => f.subnet.name },
          { id: 'address', header: t('instance.address'), cell: (f) => f.address },
          { id: 'floating', header: t('instance.floatingAddress'), cell: (f) => f.floatingAddress ?? '-' },
          { id: 'mac', header: t('instance.mac'), cell: (f) => <code>{f.macAddress}</code> },
          {
            id: 'groups', header: t('instance.securityGroups'),
            cell: (f) => (f.securityGroups.length === 0 ? <Box color="text-status-inactive">{t('ui.none')}</Box> : f.securityGroups.map((g, n) => <Fragment key={g.id}>{n > 0 && ', '}<ResourceLink {...g} /></Fragment>)),
          },
        ]}
      />
      {editing && <EditGroupsDialog instance={instance} close={() => setEditing(false)} />}
    </>
  );
}

function EditGroupsDialog({ instance, close }: { instance: Instance; close: () => void }): ReactNode {
  const t = useText();
  const queries = useQueryClient();
  const form = useForm({
    initial: { securityGroups: (instance.interfaces[0]?.securityGroups ?? []).map((g) => g.id) },
    check: () => [],
    send: (v) => instances.replaceSecurityGroups(instance.id, v.securityGroups),
    done: (changed) => {
      queries.setQueryData([instances.key, 'one', instance.id], changed);
      close();
    },
  });
  return (
    <FormDialog title={t('instance.editGroups')} action={t('ui.save')} form={form} close={close}>
      <FormField label={t('instance.securityGroups')} description={t('instance.editGroupsHint')} errorText={form.errorOf('securityGroups')}>
        <SecurityGroupPicker chosen={form.values.securityGroups} choose={(ids) => form.set('securityGroups', ids)} />
      </FormField>
    </FormDialog>
  );
}
