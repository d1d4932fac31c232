import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FormField from '@cloudscape-design/components/form-field';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useRef, useState, type ReactNode } from 'react';
import { useAll } from '../../api/pages';
import { hostPools } from '../../host-pools/hostPools';
import { useText } from '../../i18n/text';
import { placementGroups } from '../../placement-groups/placementGroups';
import { Label, TextField } from '../../ui/fields';
import { SelectField } from '../../ui/SelectField';
import { PairsField } from '../../ui/TagsField';
import type { Form } from '../../ui/useForm';
import { zones } from '../../zones/zones';
import type { LaunchValues } from './launch';

export function AdvancedFields({ form }: { form: Form<LaunchValues> }): ReactNode {
  const t = useText();
  const file = useRef<HTMLInputElement>(null);
  const all = useAll([zones.key], zones.list);
  const any = { value: '', label: t('launch.zoneAny') };
  const options = [any, ...(all.data ?? []).map((z) => ({ value: z.id, label: z.name }))];
  const groups = useAll([placementGroups.key], placementGroups.list);
  const none = { value: '', label: t('launch.placementGroupNone') };
  const groupOptions = [none, ...(groups.data ?? []).map((g) => ({ value: g.id, label: g.name, description: g.policy }))];
  const pools = useAll([hostPools.key], hostPools.list);
  const [open, setOpen] = useState(false);
  // An error must not hide in a closed section.
  const broken = ['userData', 'count', 'zone', 'placementGroup', 'hostPool', 'requiredLabels', ...form.values.requiredLabels.flatMap((_, at) => [`requiredLabels[${at}].key`, `requiredLabels[${at}].value`])].some((field) => form.errorOf(field) !== undefined);
  return (
    <ExpandableSection variant="container" headerText={t('launch.advanced')} expanded={open || broken} onChange={(e) => setOpen(e.detail.expanded)} data-testid="launch-advanced">
      <SpaceBetween size="l">
        <FormField
          stretch label={<Label text={t('launch.userData')} optional />} description={t('launch.userDataHint')} errorText={form.errorOf('userData')}
          secondaryControl={<Button formAction="none" iconName="upload" onClick={() => file.current?.click()}>{t('launch.userDataFile')}</Button>}
        >
          <div className="kumoi-mono"><Textarea value={form.values.userData} rows={8} spellcheck={false} placeholder={'#!/bin/sh\n'} onChange={(e) => form.set('userData', e.detail.value)} /></div>
        </FormField>
        <input
          type="file" hidden ref={file}
          onChange={(e) => {
            void e.target.files?.[0]?.text().then((text) => form.set('userData', text));
            e.target.value = '';
          }}
        />
        <TextField form={form} field="count" label={t('launch.count')} inputMode="numeric" testId="launch-count" />
        <FormField label={t('launch.zone')} errorText={form.errorOf('zone')}>
          <Select selectedOption={options.find((o) => o.value === form.values.zone) ?? any} options={options} onChange={(e) => form.set('zone', e.detail.selectedOption.value ?? '')} />
        </FormField>
        <FormField label={t('instance.placementGroup')} errorText={form.errorOf('placementGroup')}>
          <Select
            selectedOption={groupOptions.find((o) => o.value === form.values.placementGroup) ?? none} options={groupOptions} data-testid="launch-placement-group"
            statusType={groups.isPending ? 'loading' : 'finished'} filteringType={groupOptions.length > 10 ? 'auto' : 'none'}
            onChange={(e) => form.set('placementGroup', e.detail.selectedOption.value ?? '')}
          />
        </FormField>
        {/* Where there is but the pool that is everybody's, there is nothing to choose. */}
        {(pools.data ?? []).length > 1 && (
          <SelectField form={form} field="hostPool" label={t('hostPool.one')} options={[{ value: '', label: t('hostPool.any') }, ...(pools.data ?? []).map((p) => ({ value: p.id, label: p.name, description: p.description }))]} testId="launch-host-pool" />
        )}
        <PairsField form={form} field="requiredLabels" label={t('hostPool.required')} description={t('hostPool.requiredHint')} addText={t('hostPool.addLabel')} testId="launch-label" />
      </SpaceBetween>
    </ExpandableSection>
  );
}
