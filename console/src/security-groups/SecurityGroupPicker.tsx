import Multiselect from '@cloudscape-design/components/multiselect';
import type { ReactNode } from 'react';
import { useAll } from '../api/pages';
import { useText } from '../i18n/text';
import { securityGroups } from './securityGroups';

export function SecurityGroupPicker({ chosen, choose }: { chosen: readonly string[]; choose: (ids: string[]) => void }): ReactNode {
  const t = useText();
  const all = useAll([securityGroups.key], securityGroups.list);
  const options = (all.data ?? []).map((g) => ({ value: g.id, label: g.name, description: g.description }));
  return (
    <Multiselect
      options={options} selectedOptions={options.filter((o) => chosen.includes(o.value))} placeholder={t('securityGroup.choose')} filteringType={options.length > 10 ? 'auto' : 'none'}
      statusType={all.isPending ? 'loading' : 'finished'} data-testid="security-groups"
      onChange={(e) => choose(e.detail.selectedOptions.flatMap((o) => o.value ?? []))}
    />
  );
}
