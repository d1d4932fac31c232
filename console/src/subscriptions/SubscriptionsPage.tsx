import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState, type ReactNode } from 'react';
import { usePages } from '../api/pages';
import { useStale } from '../api/stale';
import type { Subscription } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { notify } from '../ui/notices';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { useTableLook } from '../ui/tableLook';
import { WriteButton } from '../ui/WriteButton';
import { CreateSubscriptionDialog, ResumeDialog, RotateDialog } from './SubscriptionDialogs';
import { subscriptions } from './subscriptions';

const looks = { active: 'success', failing: 'warning', disabled: 'stopped' } as const;

/** Where what happens is handed over. */
export function SubscriptionsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const stale = useStale();
  const look = useTableLook('subscriptions', ['id', 'scope', 'created']);
  const pages = usePages<Subscription>([subscriptions.key], look.pageSize, subscriptions.list, (s) => s.state === 'failing');
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<'create' | 'resume' | 'rotate' | 'delete' | null>(null);
  const [busy, setBusy] = useState(false);
  const selected = pages.items.filter((s) => chosen.includes(s.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const run = async (work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
    } catch (failure) {
      notify({ type: 'error', saying: { key: 'problem.someFailed', values: { failed: 1, total: 1 } }, failures: [failure as Error] });
    } finally {
      setBusy(false);
      stale([subscriptions.key]);
    }
  };
  const test = ({ id, name }: Subscription) => run(async () => {
    const { delivered, status, message } = await subscriptions.test(id);
    const why = [status, message].filter((part) => part !== null).join(' ');
    notify(delivered ? { type: 'success', saying: { key: 'subscription.testDone', values: { name } } } : { type: 'warning', saying: { key: 'subscription.testFailed', values: { name, why } } });
  });
  const disable = ({ id, name }: Subscription) => run(async () => {
    await subscriptions.disable(id);
    notify({ type: 'success', saying: { key: 'subscription.disabledNotice', values: { name } } });
  });
  const button = (id: string, text: string, enabled: boolean, onClick: () => void) => <WriteButton needs="subscriptions:write" disabled={!enabled || busy} onClick={onClick} data-testid={`subscription-${id}`}>{text}</WriteButton>;
  return (
    <Page trail={[{ text: t('subscription.title'), href: '/subscriptions' }]}>
      <ResourceTable<Subscription>
        title={t('subscription.title')} description={t('subscription.about')} pages={pages} look={look} selected={selected} select={(items) => choose(items.map((s) => s.id))} labelOf={(s) => s.name} empty={t('subscription.empty')}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (s) => s.name, width: 140 },
          { id: 'id', header: t('ui.id'), cell: (s) => <code>{s.id}</code>, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (s) => <State of={s} />, width: 260 },
          { id: 'url', header: t('subscription.url'), cell: (s) => <code className="kumoi-anywhere">{s.url}</code>, width: 280 },
          { id: 'kind', header: t('subscription.kind'), cell: (s) => t.word('subscription.kind', s.kind), width: 190 },
          { id: 'content', header: t('subscription.content'), cell: (s) => t.word('subscription.content', s.content), width: 130 },
          { id: 'actions', header: t('subscription.actions'), cell: (s) => (s.actions.length === 0 ? t('subscription.all') : <code className="kumoi-anywhere">{s.actions.join(' ')}</code>), width: 180 },
          { id: 'scope', header: t('subscription.scope'), cell: (s) => t.word('subscription.scope', s.scope), width: 140 },
          { id: 'delivered', header: t('subscription.delivered'), cell: (s) => format.number(s.delivered), width: 120 },
          { id: 'last', header: t('subscription.last'), cell: (s) => (s.lastDeliveredAt === null ? '-' : format.dateTime(s.lastDeliveredAt)), width: 220 },
          { id: 'created', header: t('ui.created'), cell: (s) => format.dateTime(s.createdAt), width: 220 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {button('delete', t('ui.delete'), selected.length > 0, () => setDialog('delete'))}
            {button('rotate', t('subscription.rotate'), only?.kind === 'webhook', () => setDialog('rotate'))}
            {only?.state === 'active' ? button('disable', t('subscription.disable'), true, () => void disable(only)) : button('resume', t('subscription.resume'), only !== undefined, () => setDialog('resume'))}
            {button('test', t('subscription.test'), only !== undefined, () => only && void test(only))}
            <WriteButton needs="subscriptions:write" variant="primary" onClick={() => setDialog('create')} data-testid="create-subscription">{t('subscription.create')}</WriteButton>
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateSubscriptionDialog close={close} />}
      {dialog === 'resume' && only && <ResumeDialog of={only} close={close} />}
      {dialog === 'rotate' && only && <RotateDialog of={only} close={close} />}
      {dialog === 'delete' && <DeleteDialog items={selected} stale={[subscriptions.key]} remove={subscriptions.remove} close={close} done={() => choose([])}>{t('subscription.deleteBody')}</DeleteDialog>}
    </Page>
  );
}

/** Its state, and what keeps it from handing over. */
function State({ of: s }: { of: Subscription }): ReactNode {
  const t = useText();
  const format = useFormat();
  const why = s.reason || s.lastError;
  return (
    <span data-testid="subscription-state" data-state={s.state}>
      <StatusIndicator type={looks[s.state as keyof typeof looks] ?? 'info'}>{t.word('subscription.state', s.state)}</StatusIndicator>
      {why && s.state !== 'active' && <Box fontSize="body-s" color="text-body-secondary"><span className="kumoi-anywhere">{why}</span></Box>}
      {s.nextTryAt !== null && s.state === 'failing' && <Box fontSize="body-s" color="text-body-secondary">{t('subscription.next', { when: format.fromNow(s.nextTryAt) })}</Box>}
    </span>
  );
}
