import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { usePages } from '../api/pages';
import type { Account } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { session } from '../session/session';
import { DeleteDialog } from '../ui/DeleteDialog';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { name, violations } from '../ui/rules';
import { useStore } from '../ui/store';
import { useTableLook } from '../ui/tableLook';
import { useForm } from '../ui/useForm';
import { accounts } from './accounts';

export function AccountsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { user } = useStore(session);
  const look = useTableLook('accounts');
  const pages = usePages([accounts.key], look.pageSize, accounts.list);
  const [selected, select] = useState<Account[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const [only] = selected.length === 1 ? selected : [];
  const actFor = (account: Account) => {
    queries.clear();
    session.actFor(account.id === user?.account.id ? null : { id: account.id, name: account.name });
    void navigate('/');
  };
  return (
    <Page trail={[{ text: t('account.title'), href: '/accounts' }]}>
      <ResourceTable
        title={t('account.title')} description={t('account.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(a) => a.name} empty={t('account.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (a) => a.name, isRowHeader: true },
          { id: 'id', header: t('ui.id'), cell: (a) => <code>{a.id}</code> },
          { id: 'kind', header: t('account.kind'), cell: (a) => t.word('account.kind', a.kind) },
          { id: 'created', header: t('ui.created'), cell: (a) => format.dateTime(a.createdAt) },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={only === undefined} onClick={() => only && actFor(only)}>{t('account.actFor')}</Button>
            <Button disabled={selected.length === 0} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>
            <Button variant="primary" onClick={() => setDialog('create')}>{t('account.create')}</Button>
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateAccountDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[accounts.key]} remove={accounts.remove} close={close} done={() => select([])} />}
    </Page>
  );
}

function CreateAccountDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { name: '' }, check: (v) => violations(['name', name(v.name)]), send: accounts.create,
    done: () => { created(); close(); },
  });
  return (
    <FormDialog title={t('account.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus />
    </FormDialog>
  );
}
