import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { backupStores } from './backups';

/** Where a backup is to be kept. Of one place nothing is to be chosen. */
export function StoreField<V extends { readonly store: string }>({ form }: { form: Form<V> }): ReactNode {
  const t = useText();
  const all = useAll([backupStores.key], backupStores.list);
  if ((all.data?.length ?? 0) < 2 && form.errorOf('store') === undefined) return null;
  // The values of the form are not known here; that they have a store is.
  return (
    <SelectField<{ readonly store: string }>
      form={form as unknown as Form<{ readonly store: string }>} field="store" label={t('backup.store')} loading={all.isPending} testId="backup-store"
      options={[{ value: '', label: t('backup.storeDefault') }, ...(all.data ?? []).map((s) => ({ value: s.id, label: s.name }))]}
    />
  );
}
