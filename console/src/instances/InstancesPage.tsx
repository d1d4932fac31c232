import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { usePages } from '../api/pages';
import type { Instance } from '../api/types';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { addressesOf } from '../interfaces/interfaces';
import { useMay } from '../session/permissions';
import { NameFilter } from '../ui/NameFilter';
import { Page } from '../ui/Page';
import { ResourceLink } from '../ui/ResourceLink';
import { ResourceTable, type Column } from '../ui/ResourceTable';
import { RouteLink } from '../ui/RouteLink';
import { useTableLook } from '../ui/tableLook';
import { useDebounced } from '../ui/useDebounced';
import { WriteButton } from '../ui/WriteButton';
import { ActionButtons } from './ActionButtons';
import { instances } from './instances';
import { InstanceState } from './InstanceState';
import { states } from './state';

export function InstancesPage(): ReactNode {
  const t = useText();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const state = states.find((s) => s === search.get('state'));
  const [name, setName] = useState('');
  const rested = useDebounced(name.trim());
  const filters = { ...(state ? { state } : {}), ...(rested === '' ? {} : { name: rested }) };
  const look = useTableLook('instances', ['id', 'created']);
  const pages = usePages([instances.key, filters], look.pageSize, (page) => instances.list({ ...page, ...filters }));
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((i) => chosen.includes(i.id));
  const launch = <WriteButton needs="instances:write" variant="primary" onClick={() => void navigate('/instances/launch')} data-testid="launch-instance">{t('instance.launch')}</WriteButton>;
  const stateOptions = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: t(`instance.state.${s}`) }))];
  const filtered = state !== undefined || rested !== '';
  return (
    <Page trail={[{ text: t('instance.title'), href: '/instances' }]}>
      <ResourceTable
        title={t('instance.title')} pages={pages} look={look} columns={useColumns()} labelOf={(i) => i.name} empty={t('instance.empty')} emptyAction={launch}
        selected={selected} select={(items) => choose(items.map((i) => i.id))}
        actions={<SpaceBetween direction="horizontal" size="xs"><ActionButtons chosen={selected} done={() => choose([])} />{launch}</SpaceBetween>}
        clearFilter={filtered ? () => { setName(''); setSearch({}); } : undefined}
        filter={
          <SpaceBetween direction="horizontal" size="s">
            <NameFilter value={name} change={setName} />
            <Select
              selectedOption={stateOptions.find((o) => o.value === (state ?? '')) ?? null} options={stateOptions} ariaLabel={t('ui.state')}
              onChange={({ detail: { selectedOption: { value } } }) => setSearch(value ? { state: value } : {})}
            />
          </SpaceBetween>
        }
      />
    </Page>
  );
}

function useColumns(): Column<Instance>[] {
  const t = useText();
  const format = useFormat();
  const may = useMay();
  return [
    { id: 'name', header: t('ui.name'), cell: (i) => <RouteLink to={`/instances/${i.id}`}>{i.name}</RouteLink>, isRowHeader: true, width: 190 },
    { id: 'id', header: t('ui.id'), cell: (i) => <code>{i.id}</code>, width: 210 },
    { id: 'state', header: t('ui.state'), cell: (i) => <InstanceState instance={i} />, width: 145 },
    { id: 'flavor', header: t('instance.flavor'), cell: (i) => i.flavor.name, width: 115 },
    { id: 'image', header: t('instance.image'), cell: (i) => i.image.name, width: 140 },
    { id: 'address', header: t('instance.address'), cell: (i) => i.interfaces.flatMap(addressesOf).join(', '), width: 120 },
    { id: 'floating', header: t('instance.floatingAddress'), cell: (i) => i.interfaces.map((f) => f.floatingAddress).filter(Boolean).join(', ') || '-', width: 210 },
    { id: 'host', header: t('instance.host'), cell: (i) => (may('hosts:read', 'cloud') ? <ResourceLink {...i.host} /> : i.host.name), width: 120 },
    { id: 'created', header: t('ui.created'), cell: (i) => format.dateTime(i.createdAt), width: 235 },
  ];
}
