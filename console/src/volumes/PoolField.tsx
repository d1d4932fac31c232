import Box from '@cloudscape-design/components/box';
import type { ReactNode } from 'react';
import type { Pool } from '../api/types';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';

/** Where a volume is to be kept, and what that means for where it can be used, unless it begins with something that has a place. */
export function PoolField<V extends { readonly pool: string }>({ form: typed, pools, about }: { form: Form<V>; pools: readonly Pool[] | undefined; about: boolean }): ReactNode {
  const t = useText();
  // The values of the form are not known here; that they have a pool is.
  const form = typed as unknown as Form<{ readonly pool: string }>;
  const byDefault = pools?.find((p) => p.default);
  const chosen = form.values.pool === '' ? byDefault : pools?.find((p) => p.id === form.values.pool);
  const option = (p: Pool) => ({ description: t(`pool.sharedShort.${p.shared ? 'yes' : 'no'}`), ...(p.maintenance ? { disabled: true, labelTag: t('pool.state.maintenance') } : {}) });
  return (
    <div>
      <SelectField
        form={form} field="pool" label={t('volume.pool')} placeholder={t('volume.poolChoose')} loading={pools === undefined} testId="volume-pool"
        options={[
          ...(byDefault === undefined ? [] : [{ value: '', label: t('volume.poolDefault', { name: byDefault.name }), ...option(byDefault) }]),
          ...(pools ?? []).filter((p) => p !== byDefault).map((p) => ({ value: p.id, label: p.name, ...option(p) })),
        ]}
      />
      <Box fontSize="body-s" color="text-body-secondary" padding={{ top: 'xxs' }}>
        <span data-testid="volume-pool-about">{pools?.length === 0 ? t('volume.poolNone') : about && chosen !== undefined && t(chosen.shared ? 'volume.poolShared' : 'volume.poolOwn')}</span>
      </Box>
    </div>
  );
}
