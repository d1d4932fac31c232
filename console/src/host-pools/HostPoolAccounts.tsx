import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import { useState, type ReactNode } from 'react';
import { accounts } from '../accounts/accounts';
import { useAll } from '../api/pages';
import { useStale } from '../api/stale';
import type { HostPool, Ref } from '../api/types';
import { useText } from '../i18n/text';
import { DeleteDialog } from '../ui/DeleteDialog';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { ResourceLink } from '../ui/ResourceLink';
import { violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { ShortTable } from '../ui/ShortTable';
import { useForm } from '../ui/useForm';
import { WriteButton } from '../ui/WriteButton';
import { hostPools, staleWithHostPools } from './hostPools';

/** The accounts that may use a pool: given to one more, taken from some. */
export function HostPoolAccounts({ pool }: { pool: HostPool }): ReactNode {
  const t = useText();
  const [chosen, choose] = useState<readonly Ref[]>([]);
  const [dialog, setDialog] = useState<'give' | 'take' | null>(null);
  const close = () => setDialog(null);
  const may = { needs: 'host-pools:write', reach: 'cloud' } as const;
  if (pool.allAccounts) return <><Header variant="h3">{t('hostPool.accounts')}</Header><Box color="text-body-secondary">{t('hostPool.accountsAll')}</Box></>;
  return (
    <>
      <ShortTable<Ref>
        title={t('hostPool.accounts')} items={pool.accounts ?? []} empty={t('hostPool.nobody')} chosen={chosen} choose={choose} labelOf={(a) => a.name}
        actions={[
          <WriteButton key="take" {...may} disabled={chosen.length === 0} onClick={() => setDialog('take')} data-testid="host-pool-take">{t('hostPool.take')}</WriteButton>,
          <WriteButton key="give" {...may} variant="primary" onClick={() => setDialog('give')} data-testid="host-pool-give">{t('hostPool.give')}</WriteButton>,
        ]}
        columns={[
          { id: 'name', header: t('ui.name'), isRowHeader: true, cell: (a) => <ResourceLink {...a} /> },
          { id: 'id', header: t('ui.id'), cell: (a) => <code>{a.id}</code> },
        ]}
      />
      {dialog === 'give' && <GiveDialog pool={pool} close={close} />}
      {dialog === 'take' && (
        <DeleteDialog
          items={chosen} stale={staleWithHostPools} remove={(account) => hostPools.take(pool.id, account)} close={close} done={() => choose([])} title={t('hostPool.takeTitle', { count: chosen.length })} action={t('hostPool.take')} notice="hostPool.taken"
        >
          {t('hostPool.takeBody')}
        </DeleteDialog>
      )}
    </>
  );
}

function GiveDialog({ pool, close }: { pool: HostPool; close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const all = useAll([accounts.key], accounts.list);
  const has = new Set((pool.accounts ?? []).map((a) => a.id));
  const form = useForm({
    initial: { account: '' }, check: (v) => violations(['account', v.account === '' ? { key: 'rule.choose' } : null]), send: (v) => hostPools.give(pool.id, v.account),
    done: () => {
      notify({ type: 'success', saying: { key: 'hostPool.given', values: { name: pool.name } } });
      stale(staleWithHostPools);
      close();
    },
  });
  return (
    <FormDialog title={t('hostPool.give')} action={t('hostPool.give')} form={form} close={close}>
      <SelectField form={form} field="account" label={t('shell.account')} options={(all.data ?? []).filter((a) => !has.has(a.id)).map((a) => ({ value: a.id, label: a.name, description: a.domain.name }))} loading={all.isPending} testId="host-pool-account" />
    </FormDialog>
  );
}
