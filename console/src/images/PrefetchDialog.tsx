import FormField from '@cloudscape-design/components/form-field';
import RadioGroup from '@cloudscape-design/components/radio-group';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import type { Image } from '../api/types';
import { hosts } from '../hosts/hosts';
import { useText } from '../i18n/text';
import { FormDialog } from '../ui/FormDialog';
import { violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { zones } from '../zones/zones';
import { images, type Where } from './images';

/** Has hosts fetch an image and keep it, or lets them give it up again. */
export function PrefetchDialog({ image, action, close, done }: { image: Image; action: 'prefetch' | 'release'; close: () => void; done: (changed: Image) => void }): ReactNode {
  const t = useText();
  const [allHosts, allZones] = [useAll([hosts.key], hosts.list), useAll([zones.key], zones.list)];
  const form = useForm({
    initial: { where: 'all', host: '', zone: '' },
    check: (v) => violations(['host', v.where === 'host' && v.host === '' ? { key: 'rule.choose' } : null], ['zone', v.where === 'zone' && v.zone === '' ? { key: 'rule.choose' } : null]),
    send: (v) => {
      const where: Where = v.where === 'host' ? { host: v.host } : v.where === 'zone' ? { zone: v.zone } : {};
      return images[action](image.id, where);
    },
    done: (changed) => { done(changed); close(); },
  });
  const named = (list: readonly { id: string; name: string }[] | undefined) => (list ?? []).map((one) => ({ value: one.id, label: one.name }));
  return (
    <FormDialog title={t(`image.${action}Title`, { name: image.name })} action={t(`image.${action}`)} form={form} close={close}>
      <FormField label={t('image.where')}>
        <RadioGroup
          value={form.values.where} onChange={(e) => form.set('where', e.detail.value)} data-testid="image-where"
          items={(['all', 'zone', 'host'] as const).map((value) => ({ value, label: t(`image.where.${value}`) }))}
        />
      </FormField>
      {form.values.where === 'zone' && <SelectField form={form} field="zone" label={t('instance.zone')} placeholder={t('image.zoneChoose')} loading={allZones.isPending} options={named(allZones.data)} testId="image-zone" />}
      {form.values.where === 'host' && <SelectField form={form} field="host" label={t('instance.host')} placeholder={t('image.hostChoose')} loading={allHosts.isPending} options={named(allHosts.data)} testId="image-host" />}
      <div>{t(`image.${action}About`)}</div>
    </FormDialog>
  );
}
