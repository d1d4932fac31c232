import { answer, api } from '../api/client';
import type { StatementLine, StatementResource } from '../api/types';

const at = (month: string) => ({ params: { path: { month } } });

export const statements = {
  key: 'statements',
  list: () => answer(api.GET('/api/v1/statements', {})),
  get: (month: string) => answer(api.GET('/api/v1/statements/{month}', at(month))),
  csv: (month: string) => answer(api.GET('/api/v1/statements/{month}/csv', { ...at(month), parseAs: 'blob' })) as Promise<Blob>,
  /** The page to print, in the reader's language. */
  page: (month: string) => answer(api.GET('/api/v1/statements/{month}/page', { ...at(month), parseAs: 'text' })) as Promise<string>,
};

/** A row of a statement: a line, or beneath it a resource that it is made of. */
export interface Row {
  readonly id: string;
  readonly line: StatementLine;
  readonly resource: StatementResource | null;
}

export function rowsOf(lines: readonly StatementLine[]): Row[] {
  return lines.map((line, at) => ({ id: `${at}`, line, resource: null }));
}

export function resourcesOf({ id, line, resource }: Row): Row[] {
  return resource !== null ? [] : line.resources.map((one) => ({ id: `${id} ${one.type} ${one.id}`, line, resource: one }));
}
