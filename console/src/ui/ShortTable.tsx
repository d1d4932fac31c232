import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { ProblemAlert } from './ProblemAlert';

interface Props<T> {
  title: string;
  description?: ReactNode;
  items: readonly T[] | undefined;
  error?: Error | null;
  columns: readonly TableProps.ColumnDefinition<T>[];
  actions?: readonly ReactNode[];
  filter?: ReactNode;
  empty: string;
  /** Rows are chosen one at a time. */
  selected?: T | undefined;
  select?: (item: T | undefined) => void;
  /** Several rows may be chosen. */
  chosen?: readonly T[];
  choose?: (items: T[]) => void;
  labelOf: (item: T) => string;
}

/** A table within a page of something else, of so few rows that it needs no pages. */
export function ShortTable<T extends { id: string }>(props: Props<T>): ReactNode {
  const t = useText();
  const { select, selected, choose, chosen, items } = props;
  return (
    <SpaceBetween size="m">
      <ProblemAlert failure={props.error ?? null} />
      <Table<T>
        variant="borderless" items={items ?? []} columnDefinitions={props.columns} trackBy="id" wrapLines loading={items === undefined && !props.error} loadingText={t('ui.loading')}
        {...(select ? { selectionType: 'single' as const, selectedItems: selected ? [selected] : [], onSelectionChange: (e: { detail: { selectedItems: T[] } }) => select(e.detail.selectedItems[0]) } : {})}
        {...(choose ? { selectionType: 'multi' as const, selectedItems: chosen ?? [], onSelectionChange: (e: { detail: { selectedItems: T[] } }) => choose(e.detail.selectedItems) } : {})}
        ariaLabels={{ tableLabel: props.title, selectionGroupLabel: props.title, allItemsSelectionLabel: () => props.title, itemSelectionLabel: (_, item) => props.labelOf(item) }}
        header={
          <Header variant="h3" counter={items === undefined ? '' : `(${items.length})`} description={props.description} actions={props.actions && <SpaceBetween direction="horizontal" size="xs">{props.actions}</SpaceBetween>}>
            {props.title}
          </Header>
        }
        filter={props.filter}
        empty={<Box textAlign="center" padding="s" color="text-body-secondary">{props.empty}</Box>}
      />
    </SpaceBetween>
  );
}
