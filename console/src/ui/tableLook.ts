import { useState } from 'react';

export const pageSizes = [25, 50, 100, 500] as const;

/** How a table is shown: remembered in the browser. */
export interface TableLook {
  readonly pageSize: number;
  /** Columns not shown; null while the user has not chosen. */
  readonly hidden: readonly string[] | null;
  change(next: { pageSize: number; hidden: readonly string[] }): void;
}

export function useTableLook(table: string, hiddenAtFirst: readonly string[] = []): TableLook {
  const key = `kumoi.table.${table}`;
  const [look, setLook] = useState<{ pageSize: number; hidden: readonly string[] }>(() => {
    const first = { pageSize: 50, hidden: hiddenAtFirst };
    try {
      return { ...first, ...(JSON.parse(localStorage.getItem(key) ?? '{}') as object) };
    } catch {
      return first;
    }
  });
  return {
    ...look,
    change: (next) => {
      localStorage.setItem(key, JSON.stringify(next));
      setLook(next);
    },
  };
}
