import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Pool } from '../api/types';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { pools } from './pools';

/** Empties a pool into another one. */
export function DrainPoolDialog({ pool, close, done }: { pool: Pool; close: () => void; done: (changed: Pool) => void }): ReactNode {
  const t = useText();
  const { data } = useAll([pools.key], pools.list);
  const form = useForm({
    initial: { to: '' }, check: (v) => violations(['to', v.to === '' ? { key: 'rule.choose' } : null]), send: (v) => pools.drain(pool.id, { to: v.to }),
    done: (changed) => {
      notify({ type: 'success', saying: { key: 'pool.drainNotice', values: { name: changed.name } } });
      done(changed);
      close();
    },
  });
  return (
    <FormDialog title={t('pool.drainTitle', { name: pool.name })} action={t('pool.drain')} form={form} close={close}>
      <div>{t('pool.drainAbout')}</div>
      <SelectField
        form={form} field="to" label={t('pool.drainTo')} placeholder={t('volume.poolChoose')} loading={data === undefined} testId="drain-to"
        options={(data ?? []).filter((p) => p.id !== pool.id).map((p) => ({ value: p.id, label: p.name, ...(p.maintenance ? { disabled: true, labelTag: t('pool.state.maintenance') } : {}) }))}
      />
    </FormDialog>
  );
}
