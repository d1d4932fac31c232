import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import type { ReactNode } from 'react';
import type { Tariff, TariffPrice } from '../api/types';
import { useText } from '../i18n/text';
import { Label, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { optional, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm, type Form } from '../ui/useForm';
import { meters } from '../usage/usage';
import { checkPrice, priceOf, tariffs, timeOf, wholeHour } from './tariffs';

interface Props {
  of: Tariff;
  done: (now: Tariff) => void;
  close: () => void;
}

const unitOf = (meter: string) => (meter.startsWith('traffic.') ? 'GiB' : /^(volume|snapshot|backup|image)\./.test(meter) ? 'GiB-hour' : 'hour');

/** Sets what something costs from an hour on; begins with what is chosen in the list. */
export function SetPriceDialog({ of, from, done, close }: Props & { from: TariffPrice | undefined }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { meter: from?.meter ?? (meters[0] as string), attribute: from?.attribute ?? '', price: from === undefined ? '' : String(from.price), included: from === undefined || from.included === 0 ? '' : String(from.included), validFrom: '' },
    check: checkPrice, send: (v) => tariffs.setPrice(of.id, priceOf(v)),
    done: (now) => {
      notify({ type: 'success', saying: { key: 'tariff.priceSet', values: { name: now.name } } });
      done(now);
      close();
    },
  });
  const unit = t.word('unit', unitOf(form.values.meter));
  return (
    <FormDialog title={t('tariff.setPrice')} action={t('ui.save')} form={form} close={close}>
      <SelectField form={form} field="meter" label={t('tariff.meter')} options={meters.map((value) => ({ value, label: t.word('meter', value) }))} testId="price-meter" />
      <TextField form={form} field="attribute" label={t('tariff.attribute')} constraintText={t('tariff.attributeHint')} optional testId="price-attribute" />
      <TextField form={form} field="price" label={`${t('tariff.priceOf', { unit })} (${of.currency})`} inputMode="decimal" autoFocus testId="price-price" />
      <TextField form={form} field="included" label={`${t('tariff.included')} (${unit})`} inputMode="decimal" optional testId="price-included" />
      <HourField form={form} field="validFrom" label={t('tariff.validFrom')} hint={t('tariff.validFromHint')} />
    </FormDialog>
  );
}

export function EndPriceDialog({ of, price, done, close }: Props & { price: TariffPrice }): ReactNode {
  const t = useText();
  const form = useForm({
    initial: { validUntil: '' }, check: (v) => violations(['validUntil', optional(v.validUntil, wholeHour)]), send: (v) => tariffs.endPrice(of.id, price.id, { validUntil: timeOf(v.validUntil) }),
    done: (now) => {
      notify({ type: 'success', saying: { key: 'tariff.priceEnded', values: { name: now.name } } });
      done(now);
      close();
    },
  });
  return (
    <FormDialog title={t('tariff.endPrice')} action={t('tariff.endPrice')} form={form} close={close}>
      <div>{t('tariff.endBody', { meter: `${t.word('meter', price.meter)}${price.attribute === '' ? '' : ` (${price.attribute})`}` })}</div>
      <HourField form={form} field="validUntil" label={t('tariff.validUntil')} hint={t('tariff.validUntilHint')} />
    </FormDialog>
  );
}

/** A local date and hour, by the browser's own picker. */
function HourField<V>({ form, field, label, hint }: { form: Form<V>; field: { [K in keyof V]: V[K] extends string ? K : never }[keyof V] & string; label: string; hint: string }): ReactNode {
  return (
    <FormField label={<Label text={label} optional />} constraintText={hint} errorText={form.errorOf(field)}>
      <Input value={form.values[field] as string} onChange={(e) => form.set(field, e.detail.value as V[typeof field])} nativeInputAttributes={{ type: 'datetime-local', step: 3600, 'data-testid': `price-${field}` }} />
    </FormField>
  );
}
