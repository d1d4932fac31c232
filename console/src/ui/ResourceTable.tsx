import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { Pages } from '../api/pages';
import { useText } from '../i18n/text';
import { ProblemAlert } from './ProblemAlert';
import { pageSizes, type TableLook } from './tableLook';

export interface Column<T> extends TableProps.ColumnDefinition<T> {
  id: string;
  header: string;
}

interface Props<T> {
  title: string;
  description?: ReactNode;
  /** Within a page that has a heading of its own. */
  within?: boolean;
  pages: Pages<T>;
  look: TableLook;
  columns: readonly Column<T>[];
  actions?: ReactNode;
  filter?: ReactNode;
  /** Set while filters hide rows: removes them. */
  clearFilter?: (() => void) | undefined;
  empty: string;
  /** How something comes into the list, where the list itself has no action for it. */
  emptyHint?: string;
  emptyAction?: ReactNode;
  selected?: readonly T[];
  select?: (items: T[]) => void;
  labelOf: (item: T) => string;
}

/** A table of resources: live, paged by the server, with columns to choose. */
export function ResourceTable<T extends { id: string }>(props: Props<T>): ReactNode {
  const t = useText();
  const { pages, look, columns, selected, select, labelOf } = props;
  const count = pages.number === 1 && !pages.loading ? `(${pages.items.length}${pages.more ? '+' : ''})` : '';
  const shown = look.hidden === null ? columns.map((c) => c.id) : columns.map((c) => c.id).filter((id) => !look.hidden?.includes(id));
  return (
    <SpaceBetween size="m">
      <ProblemAlert failure={pages.error} />
      <Table<T>
        variant={props.within ? 'borderless' : 'container'} stickyHeader={!props.within} resizableColumns wrapLines={false} enableKeyboardNavigation trackBy="id"
        items={pages.items} columnDefinitions={columns} columnDisplay={columns.map((c) => ({ id: c.id, visible: shown.includes(c.id) }))}
        loading={pages.loading} loadingText={t('ui.loading')}
        {...(select ? { selectionType: 'multi' as const, selectedItems: selected ?? [], onSelectionChange: (e: { detail: { selectedItems: T[] } }) => select(e.detail.selectedItems) } : {})}
        ariaLabels={{
          tableLabel: props.title, selectionGroupLabel: props.title, allItemsSelectionLabel: () => props.title,
          itemSelectionLabel: (_, item) => labelOf(item),
        }}
        header={
          <Header
            variant={props.within ? 'h2' : 'h1'} counter={selected?.length ? `(${selected.length}/${pages.items.length}${pages.more ? '+' : ''})` : count} description={props.description}
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button iconName="refresh" ariaLabel={t('ui.refresh')} onClick={pages.refresh} />
                {props.actions}
              </SpaceBetween>
            }
          >
            {props.title}
          </Header>
        }
        filter={props.filter}
        pagination={
          <Pagination currentPageIndex={pages.number} pagesCount={pages.known} openEnd={pages.more && pages.number === pages.known}
            onChange={(e) => pages.goTo(e.detail.currentPageIndex)} />
        }
        preferences={
          <CollectionPreferences
            title={t('ui.preferences')} confirmLabel={t('ui.save')} cancelLabel={t('ui.cancel')}
            preferences={{ pageSize: look.pageSize, visibleContent: shown }}
            pageSizePreference={{ title: t('ui.pageSize'), options: pageSizes.map((value) => ({ value, label: t('ui.rows', { count: value }) })) }}
            visibleContentPreference={{
              title: t('ui.columns'),
              options: [{ label: props.title, options: columns.map((c, i) => ({ id: c.id, label: c.header, editable: i > 0 })) }],
            }}
            onConfirm={({ detail }) => look.change({
              pageSize: detail.pageSize ?? look.pageSize,
              hidden: columns.map((c) => c.id).filter((id) => !(detail.visibleContent ?? shown).includes(id)),
            })}
          />
        }
        empty={
          props.clearFilter
            ? <Empty title={t('ui.noMatch')} hint={t('ui.noMatchHint')}><Button onClick={props.clearFilter}>{t('ui.clearFilter')}</Button></Empty>
            : <Empty title={props.empty} hint={props.emptyHint ?? ''}>{props.emptyAction}</Empty>
        }
      />
    </SpaceBetween>
  );
}

function Empty({ title, hint, children }: { title: string; hint: string; children: ReactNode }): ReactNode {
  return (
    <Box textAlign="center" padding={{ vertical: 'l' }} color="inherit">
      <SpaceBetween size="s"><div><b>{title}</b>{hint !== '' && <Box color="text-body-secondary">{hint}</Box>}</div>{children}</SpaceBetween>
    </Box>
  );
}
