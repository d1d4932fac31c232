import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Instance } from '../api/types';
import { useText } from '../i18n/text';
import { images } from '../images/images';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { instances } from './instances';

/** Chooses the CD for an instance's drive. */
export function AttachCdDialog({ instance, close, done }: { instance: Instance; close: () => void; done: (changed: Instance) => void }): ReactNode {
  const t = useText();
  const all = useAll([images.key, 'available'], (page) => images.list({ ...page, state: 'available' }));
  const options = (all.data ?? []).filter((i) => i.format === 'iso').map((i) => ({ value: i.id, label: i.name }));
  const form = useForm({
    initial: { image: '' },
    check: (v) => violations(['image', v.image === '' ? { key: 'rule.choose' } : null]),
    send: (v) => instances.attachCd(instance.id, v.image),
    done: (changed) => {
      notify({ type: 'success', saying: { key: 'instance.cd.attachNotice', values: { name: changed.name, image: changed.cd?.name ?? '' } } });
      done(changed);
      close();
    },
  });
  return (
    <FormDialog title={t('instance.cd.attachTitle', { name: instance.name })} action={t('instance.cd.attach')} form={form} close={close}>
      <SelectField
        form={form} field="image" label={t('instance.cd.image')} placeholder={t(all.isSuccess && options.length === 0 ? 'instance.cd.none' : 'instance.cd.choose')} loading={all.isPending} options={options} testId="cd-image"
      />
    </FormDialog>
  );
}
