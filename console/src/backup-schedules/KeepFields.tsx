import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import type { Form } from '../ui/useForm';
import type { KeepValues } from './schedules';

/** How many backups stay, for how long, and how often one is full. */
export function KeepFields<V extends KeepValues>({ form: typed }: { form: Form<V> }): ReactNode {
  const t = useText();
  // The values of the form are not known here; that they have these is.
  const form = typed as unknown as Form<KeepValues>;
  return (
    <SpaceBetween size="m">
      <TextField form={form} field="keep" label={t('schedule.keepLabel')} constraintText={t('schedule.keepHint')} inputMode="numeric" optional testId="schedule-keep" />
      <TextField form={form} field="keepDays" label={t('schedule.keepDaysLabel')} constraintText={t('schedule.keepDaysHint')} inputMode="numeric" optional testId="schedule-keep-days" />
      <TextField form={form} field="fullEvery" label={t('schedule.fullEvery')} constraintText={t('schedule.fullEveryHint')} inputMode="numeric" testId="schedule-full-every" />
    </SpaceBetween>
  );
}
