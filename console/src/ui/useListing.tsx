import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages, type Pages } from '../api/pages';
import type { Page } from '../api/types';
import { useText } from '../i18n/text';
import { NameFilter } from './NameFilter';
import { useTableLook, type TableLook } from './tableLook';
import { useDebounced } from './useDebounced';

interface Options<T, S extends string> {
  /** The resource's plural, by which its table is remembered, too. */
  key: string;
  states: readonly S[];
  stateText: (state: S) => string;
  hiddenAtFirst: readonly string[];
  list: (query: { limit: number; cursor?: string; state?: string; name?: string }) => Promise<Page<T>>;
  /** True of what is on its way: while one is, the list is read more often. */
  isMoving: (item: T) => boolean;
}

interface Listing<T> {
  readonly selected: readonly T[];
  unselect(): void;
  /** What a ResourceTable needs of it. */
  readonly table: { pages: Pages<T>; look: TableLook; selected: readonly T[]; select: (items: T[]) => void; filter: ReactNode; clearFilter: (() => void) | undefined };
}

/** A list of things that have a name and a state, by which it is filtered; some of them are chosen. The state is kept in the address. */
export function useListing<T extends { id: string }, S extends string>({ key, states, stateText, hiddenAtFirst, list, isMoving }: Options<T, S>): Listing<T> {
  const t = useText();
  const [search, setSearch] = useSearchParams();
  const state = states.find((s) => s === search.get('state'));
  const [name, setName] = useState('');
  const begins = useDebounced(name.trim());
  const filters = { ...(state ? { state } : {}), ...(begins === '' ? {} : { name: begins }) };
  const look = useTableLook(key, hiddenAtFirst);
  const pages = usePages([key, filters], look.pageSize, (page) => list({ ...page, ...filters }), isMoving);
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((item) => chosen.includes(item.id));
  const options = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: stateText(s) }))];
  const filter = (
    <SpaceBetween direction="horizontal" size="xs">
      <NameFilter value={name} change={setName} />
      <Select
        selectedOption={options.find((o) => o.value === (state ?? '')) ?? null} options={options} ariaLabel={t('ui.state')} data-testid={`${key}-state`}
        onChange={(e) => setSearch(e.detail.selectedOption.value ? { state: e.detail.selectedOption.value } : {}, { replace: true })}
      />
    </SpaceBetween>
  );
  const clear = () => {
    setName('');
    setSearch({}, { replace: true });
  };
  return {
    selected, unselect: () => choose([]),
    table: { pages, look, selected, select: (items) => choose(items.map((item) => item.id)), filter, clearFilter: Object.keys(filters).length > 0 ? clear : undefined },
  };
}
