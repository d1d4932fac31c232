import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { TextField } from '../ui/fields';
import { LinesField } from '../ui/LinesField';
import type { Form } from '../ui/useForm';
import { spaceFields, type SpaceValues } from './space';

/** Which addresses of a subnet are given out by themselves, by name, and never. */
export function SpaceFields({ form }: { form: Form<SpaceValues> }): ReactNode {
  const t = useText();
  return (
    <SpaceBetween size="m">
      <TextField form={form} field="range" label={t('network.range')} description={t('network.rangeHint')} placeholder="192.168.20.100-192.168.20.199" optional stretch testId="subnet-range" />
      <LinesField form={form} field="reserved" label={t('network.reserved')} description={t('network.reservedHint')} placeholder="192.168.20.150" optional testId="subnet-reserved" />
      <LinesField form={form} field="excluded" label={t('network.excluded')} description={t('network.excludedHint')} placeholder="192.168.20.160-192.168.20.169" optional testId="subnet-excluded" />
    </SpaceBetween>
  );
}

/** The same where most leave them as they are: closed at first. */
export function SpaceSection({ form }: { form: Form<SpaceValues> }): ReactNode {
  const t = useText();
  const [open, setOpen] = useState(false);
  // An error must not hide in a closed section.
  const broken = spaceFields.some((field) => form.errorOf(field) !== undefined);
  return (
    <ExpandableSection headerText={t('network.space')} expanded={open || broken} onChange={(e) => setOpen(e.detail.expanded)} data-testid="subnet-space">
      <SpaceFields form={form} />
    </ExpandableSection>
  );
}
