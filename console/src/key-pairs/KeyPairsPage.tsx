import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import type { KeyPair } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { Copy } from '../ui/Copy';
import { DeleteDialog } from '../ui/DeleteDialog';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateKeyPairDialog } from './CreateKeyPairDialog';
import { keyPairs } from './keyPairs';

export function KeyPairsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const look = useTableLook('key-pairs', ['id']);
  const pages = usePages([keyPairs.key], look.pageSize, keyPairs.list);
  const [selected, select] = useState<KeyPair[]>([]);
  const [dialog, setDialog] = useState<'create' | 'delete' | null>(null);
  const close = () => setDialog(null);
  const create = <WriteButton needs="key-pairs:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-key-pair">{t('keyPair.create')}</WriteButton>;
  return (
    <Page trail={[{ text: t('keyPair.title'), href: '/key-pairs' }]}>
      <ResourceTable
        title={t('keyPair.title')} description={t('keyPair.about')} pages={pages} look={look} selected={selected} select={select} labelOf={(k) => k.name} empty={t('keyPair.empty')} emptyAction={create}
        columns={[
          { id: 'name', header: t('ui.name'), cell: (k) => k.name, isRowHeader: true, width: 200 },
          { id: 'id', header: t('ui.id'), cell: (k) => <code>{k.id}</code>, width: 220 },
          { id: 'type', header: t('keyPair.type'), cell: (k) => k.type, width: 140 },
          { id: 'fingerprint', header: t('keyPair.fingerprint'), cell: (k) => <code>{k.fingerprint}</code>, width: 420 },
          { id: 'publicKey', header: t('keyPair.publicKey'), cell: (k) => <Copy text={k.publicKey} />, width: 260 },
          { id: 'created', header: t('ui.created'), cell: (k) => format.dateTime(k.createdAt), width: 235 },
        ]}
        actions={<SpaceBetween direction="horizontal" size="xs"><Button disabled={selected.length === 0 || !may('key-pairs:write')} onClick={() => setDialog('delete')}>{t('ui.delete')}</Button>{create}</SpaceBetween>}
      />
      {dialog === 'create' && <CreateKeyPairDialog close={close} created={pages.refresh} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[keyPairs.key]} remove={keyPairs.remove} close={close} done={() => select([])}>{t('keyPair.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
