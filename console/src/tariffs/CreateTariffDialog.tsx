import { useState, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useStale } from '../api/stale';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkTariff, noTariff, roundings, staleWithTariffs, tariffOf, tariffs } from './tariffs';

export function CreateTariffDialog({ close }: { close: () => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const navigate = useNavigate();
  const [first] = useState(() => noTariff(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'));
  const form = useForm({
    initial: first, check: checkTariff, send: (v) => tariffs.create(tariffOf(v)),
    done: (made) => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: made.name } } });
      stale(staleWithTariffs);
      close();
      void navigate(`/tariffs/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('tariff.create')} action={t('ui.create')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="tariff-name" />
      <TextField form={form} field="description" label={t('ui.description')} optional />
      <TextField form={form} field="currency" label={t('tariff.currency')} constraintText={t('tariff.currencyHint')} testId="tariff-currency" />
      <TextField form={form} field="timeZone" label={t('tariff.timeZone')} constraintText={t('tariff.timeZoneHint')} testId="tariff-zone" />
      <TextField form={form} field="taxPercent" label={t('tariff.tax')} inputMode="decimal" testId="tariff-tax" />
      <SelectField form={form} field="rounding" label={t('tariff.rounding')} options={roundings.map((value) => ({ value, label: t(`tariff.rounding.${value}`) }))} testId="tariff-rounding" />
    </FormDialog>
  );
}
