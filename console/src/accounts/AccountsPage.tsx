import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Token from '@cloudscape-design/components/token';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { useAll } from '../api/pages';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { isWithin } from '../roles/roles';
import { useAccount, useMay } from '../session/permissions';
import { useSwitch } from '../session/useSwitch';
import { DeleteDialog } from '../ui/DeleteDialog';
import { NameFilter } from '../ui/NameFilter';
import { Page } from '../ui/Page';
import { ResourceTable } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { usePart } from '../ui/usePart';
import { CreateAccountDialog, RenameAccountDialog } from './AccountDialogs';
import { accounts, canTurn, staleWithAccounts, turns, type Turn } from './accounts';
import { AccountState } from './AccountState';
import { TurnDialog } from './TurnDialog';

type Dialog = 'create' | 'delete' | 'rename' | Turn;

/** The accounts of one's domains. */
export function AccountsPage(): ReactNode {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  const acting = useAccount();
  const switchTo = useSwitch();
  const [search, setSearch] = useSearchParams();
  const domain = search.get('domain');
  const [text, setText] = useState('');
  const look = useTableLook('accounts', ['id', 'kind']);
  const all = useAll([accounts.key], accounts.list);
  const wanted = text.trim().toLowerCase();
  const pages = usePart(all, look.pageSize, `${wanted} ${domain ?? ''}`, (a) => a.name.toLowerCase().includes(wanted) && (domain === null || isWithin(a.domain.name, domain)));
  const [chosen, choose] = useState<readonly string[]>([]);
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const selected = pages.items.filter((a) => chosen.includes(a.id));
  const [only] = selected.length === 1 ? selected : [];
  const close = () => setDialog(null);
  const writes = may('accounts:write', 'domain');
  const items = (['activate', 'suspend', 'close'] as const).map((turn) => ({ id: turn, text: t(`account.${turn}`), disabled: only === undefined || !canTurn(only, turn) }));
  return (
    <Page trail={[{ text: t('account.title'), href: '/accounts' }]}>
      <ResourceTable
        title={t('account.title')} description={t('account.about')} pages={pages} look={look} selected={selected} select={(rows) => choose(rows.map((a) => a.id))} labelOf={(a) => a.name} empty={t('account.empty')}
        clearFilter={wanted === '' && domain === null ? undefined : () => { setText(''); setSearch({}, { replace: true }); }}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <NameFilter value={text} change={setText} />
            {domain !== null && <Token label={t('role.ofDomain', { name: domain })} dismissLabel={t('ui.clearFilter')} onDismiss={() => setSearch({}, { replace: true })} />}
          </SpaceBetween>
        }
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, width: 240, cell: (a) => <RouteLink to={`/accounts/${a.id}`}>{a.name}</RouteLink> },
          { id: 'id', header: t('ui.id'), cell: (a) => <code>{a.id}</code>, width: 230 },
          { id: 'domain', header: t('account.domain'), cell: (a) => a.domain.name, width: 220 },
          { id: 'state', header: t('ui.state'), cell: (a) => <AccountState state={a.state} reason={a.stateReason} />, width: 260 },
          { id: 'kind', header: t('account.kind'), cell: (a) => t.word('account.kind', a.kind), width: 120 },
          { id: 'created', header: t('ui.created'), cell: (a) => format.dateTime(a.createdAt), width: 235 },
        ]}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={only === undefined || only.id === acting} onClick={() => only && switchTo(only)} data-testid="account-act-for">{t('account.actFor')}</Button>
            {writes && (
              <ButtonDropdown
                disabled={only === undefined} items={[...items, { id: 'rename', text: t('domain.rename') }, { id: 'delete', text: t('ui.delete'), disabled: only?.kind === 'operator' }]} data-testid="account-actions"
                onItemClick={(e) => setDialog(e.detail.id as Dialog)}
              >
                {t('ui.actions')}
              </ButtonDropdown>
            )}
            {writes && <Button variant="primary" onClick={() => setDialog('create')} data-testid="create-account">{t('account.create')}</Button>}
          </SpaceBetween>
        }
      />
      {dialog === 'create' && <CreateAccountDialog domain={domain ?? ''} close={close} />}
      {dialog === 'rename' && only && <RenameAccountDialog account={only} close={close} />}
      {dialog !== null && dialog in turns && only && <TurnDialog account={only} turn={dialog as Turn} close={close} />}
      {dialog === 'delete' && only && <DeleteDialog items={[only]} stale={staleWithAccounts} remove={accounts.remove} close={close} done={() => choose([])}>{t('account.deleteBody')}</DeleteDialog>}
    </Page>
  );
}
