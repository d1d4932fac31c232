import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { usePages, type Pages } from '../api/pages';
import type { Page } from '../api/types';
import { useText } from '../i18n/text';
import { NameFilter } from './NameFilter';
import { useTableLook, type TableLook } from './tableLook';
import { AskedTags, TagFilter } from './TagFilter';
import type { Tags } from './tags';
import { useDebounced } from './useDebounced';

interface Options<T, S extends string> {
  /** The resource's plural, by which its table is remembered, too. */
  key: string;
  states: readonly S[];
  stateText: (state: S) => string;
  hiddenAtFirst: readonly string[];
  list: (query: { limit: number; cursor?: string; state?: string; name?: string; tag?: readonly string[] }) => Promise<Page<T>>;
  /** True of what is on its way: while one is, the list is read more often. */
  isMoving: (item: T) => boolean;
  /** The tags of an item, if the list can be filtered by them. */
  tagsOf?: (item: T) => Tags;
}

interface Listing<T> {
  readonly selected: readonly T[];
  unselect(): void;
  /** What a ResourceTable needs of it. */
  readonly table: { pages: Pages<T>; look: TableLook; selected: readonly T[]; select: (items: T[]) => void; filter: ReactNode; clearFilter: (() => void) | undefined };
}

/** A list of things that have a name and a state, and perhaps tags, by which it is filtered; some of them are chosen. The state and the tags are kept in the address. */
export function useListing<T extends { id: string }, S extends string>({ key, states, stateText, hiddenAtFirst, list, isMoving, tagsOf }: Options<T, S>): Listing<T> {
  const t = useText();
  const [search, setSearch] = useSearchParams();
  const state = states.find((s) => s === search.get('state'));
  const [name, setName] = useState('');
  const begins = useDebounced(name.trim());
  const tag = tagsOf === undefined ? [] : search.getAll('tag');
  const filters = { ...(state ? { state } : {}), ...(begins === '' ? {} : { name: begins }), ...(tag.length === 0 ? {} : { tag }) };
  const look = useTableLook(key, hiddenAtFirst);
  const pages = usePages([key, filters], look.pageSize, (page) => list({ ...page, ...filters }), isMoving);
  const [chosen, choose] = useState<readonly string[]>([]);
  const selected = pages.items.filter((item) => chosen.includes(item.id));
  const options = [{ value: '', label: t('instance.anyState') }, ...states.map((s) => ({ value: s as string, label: stateText(s) }))];
  const put = (nextState: string | undefined, tags: readonly string[]) => setSearch([...(nextState ? [['state', nextState] as [string, string]] : []), ...tags.map((one): [string, string] => ['tag', one])], { replace: true });
  const askFor = (tags: readonly string[]) => put(state, tags);
  const filter = (
    <SpaceBetween size="xs">
      <SpaceBetween direction="horizontal" size="xs">
        <NameFilter value={name} change={setName} />
        <Select
          selectedOption={options.find((o) => o.value === (state ?? '')) ?? null} options={options} ariaLabel={t('ui.state')} data-testid={`${key}-state`}
          onChange={(e) => put(e.detail.selectedOption.value, tag)}
        />
        {tagsOf !== undefined && <TagFilter asked={tag} change={askFor} seen={pages.items.map(tagsOf)} testId={`${key}-tag`} />}
      </SpaceBetween>
      {tag.length > 0 && <AskedTags asked={tag} change={askFor} />}
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
