import FormField from '@cloudscape-design/components/form-field';
import Grid from '@cloudscape-design/components/grid';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { SelectField } from '../ui/SelectField';
import type { Form } from '../ui/useForm';
import { timeZones, units, type ScheduleValues, type Unit } from './schedules';

/** When backups are made: at a time of day, or at intervals. */
export function WhenFields({ form }: { form: Form<ScheduleValues> }): ReactNode {
  const t = useText();
  const v = form.values;
  const [zones] = useState(() => timeZones(v.timeZone));
  return (
    <SpaceBetween size="m">
      <FormField label={t('schedule.when')} stretch>
        <Tiles
          columns={2} value={v.when} onChange={(e) => form.set('when', e.detail.value === 'every' ? 'every' : 'at')} data-testid="schedule-when"
          items={(['at', 'every'] as const).map((value) => ({ value, label: t(`schedule.when.${value}`), description: t(`schedule.when.${value}Hint`) }))}
        />
      </FormField>
      {v.when === 'at' ? (
        <Grid gridDefinition={[{ colspan: { default: 12, xs: 4 } }, { colspan: { default: 12, xs: 8 } }]}>
          <TextField form={form} field="at" label={t('schedule.at')} placeholder="03:00" testId="schedule-at" />
          <SelectField form={form} field="timeZone" label={t('schedule.timeZone')} options={zones.map((zone) => ({ value: zone, label: zone }))} testId="schedule-zone" />
        </Grid>
      ) : (
        <Grid gridDefinition={[{ colspan: { default: 12, xs: 4 } }, { colspan: { default: 12, xs: 8 } }]}>
          <FormField label={t('schedule.interval')} errorText={form.errorOf('everyMinutes')}>
            <Input value={v.every} inputMode="numeric" onChange={(e) => form.set('every', e.detail.value)} nativeInputAttributes={{ 'data-testid': 'schedule-every' }} />
          </FormField>
          <SelectField form={form} field="unit" label={t('schedule.unit')} options={(Object.keys(units) as Unit[]).map((unit) => ({ value: unit, label: t(`schedule.unit.${unit}`) }))} testId="schedule-unit" />
        </Grid>
      )}
    </SpaceBetween>
  );
}
