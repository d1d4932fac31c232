import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState, type ReactNode } from 'react';
import type { Whose } from '../alerts/alerts';
import { usePages } from '../api/pages';
import type { Contact } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { NewSecretDialog, WebhookSecret } from '../subscriptions/SubscriptionDialogs';
import { DeleteDialog } from '../ui/DeleteDialog';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { ContactDialog } from './ContactDialog';
import { contacts, staleWithContacts } from './contacts';
import { VerifyDialog } from './VerifyDialog';

const looks = { pending: 'pending', verified: 'success', refused: 'error' } as const;

type Dialog = { kind: 'create' } | { kind: 'change' | 'verify' | 'rotate'; of: Contact } | { kind: 'secret'; of: Contact; secret: string } | { kind: 'delete' };

/** Where alerts are told. */
export function ContactTable({ whose }: { whose: Whose }): ReactNode {
  const t = useText();
  const format = useFormat();
  const of = contacts[whose];
  const look = useTableLook('contacts', ['id', 'created']);
  const pages = usePages<Contact>([of.key], look.pageSize, of.list);
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const selected = pages.items.filter((c) => chosen.includes(c.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const may = { needs: whose === 'cloud' ? 'cloud-contacts:write' : 'contacts:write', reach: whose } as const;
  return (
    <>
      <ResourceTable<Contact>
        title={t('contact.title')} description={t('contact.about')} within pages={pages} look={look} selected={selected} select={(items) => choose(items.map((c) => c.id))} labelOf={(c) => c.name} empty={t('contact.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (c) => c.name, width: 140 },
          { id: 'address', header: t('contact.to'), cell: (c) => <span className="kumoi-anywhere">{c.address}</span>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (c) => <span data-testid="contact-state" data-state={c.state}><StatusIndicator type={looks[c.state as keyof typeof looks] ?? 'info'}>{t.word('contact.state', c.state)}</StatusIndicator>{c.lastError !== null && <Box fontSize="body-s" color="text-status-error"><span className="kumoi-anywhere">{c.lastError}</span></Box>}</span>, width: 200 },
          { id: 'minimum', header: t('contact.minimum'), cell: (c) => t('contact.minimumOf', { severity: t.word('alert.severity', c.minimumSeverity) }), width: 170 },
          { id: 'kinds', header: t('contact.kinds'), cell: (c) => (c.kinds.length === 0 ? t('contact.allKinds') : <span className="kumoi-anywhere">{c.kinds.map((k) => t.word('alert.kind', k)).join(', ')}</span>), width: 220 },
          { id: 'interval', header: t('contact.interval'), cell: (c) => t('contact.intervalOf', { minutes: c.intervalMinutes }), width: 190 },
          { id: 'told', header: t('contact.told'), cell: (c) => (c.toldAt === null ? '-' : format.dateTime(c.toldAt)), width: 220 },
          { id: 'created', header: t('ui.created'), cell: (c) => format.dateTime(c.createdAt), width: 220 },
          { id: 'id', header: t('ui.id'), cell: (c) => <code>{c.id}</code>, width: 220 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <WriteButton {...may} disabled={selected.length === 0} onClick={() => setDialog({ kind: 'delete' })} data-testid="contact-delete">{t('ui.delete')}</WriteButton>
            <WriteButton {...may} disabled={only === undefined} onClick={() => only && setDialog({ kind: 'change', of: only })} data-testid="contact-change">{t('contact.change')}</WriteButton>
            <WriteButton {...may} disabled={only?.kind !== 'webhook'} onClick={() => only && setDialog({ kind: 'rotate', of: only })} data-testid="contact-rotate">{t('subscription.rotate')}</WriteButton>
            <WriteButton {...may} disabled={only === undefined || only.state === 'verified'} onClick={() => only && setDialog({ kind: 'verify', of: only })} data-testid="contact-verify">{t('contact.verify')}</WriteButton>
            <WriteButton {...may} variant="primary" onClick={() => setDialog({ kind: 'create' })} data-testid="create-contact">{t('contact.create')}</WriteButton>
          </SpaceBetween>
        }
      />
      {dialog?.kind === 'create' && <ContactDialog whose={whose} contact={null} close={close} made={(made) => setDialog(made.secret === null ? { kind: 'verify', of: made } : { kind: 'secret', of: made, secret: made.secret })} />}
      {dialog?.kind === 'secret' && <WebhookSecret name={dialog.of.name} secret={dialog.secret} close={() => setDialog({ kind: 'verify', of: dialog.of })} />}
      {dialog?.kind === 'change' && <ContactDialog whose={whose} contact={dialog.of} close={close} made={() => {}} />}
      {dialog?.kind === 'verify' && <VerifyDialog whose={whose} contact={dialog.of} close={close} />}
      {dialog?.kind === 'rotate' && <NewSecretDialog name={dialog.of.name} send={(hours) => of.rotate(dialog.of.id, hours)} stales={staleWithContacts} close={close} />}
      {dialog?.kind === 'delete' && <DeleteDialog items={selected} stale={staleWithContacts} remove={of.remove} close={close} done={() => choose([])}>{t('contact.deleteBody')}</DeleteDialog>}
    </>
  );
}
