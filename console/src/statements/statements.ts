import { answer, api } from '../api/client';
import type { BillingStatement, StatementLine, StatementResource } from '../api/types';

const at = (month: string) => ({ params: { path: { month } } });
const of = (statement: string) => ({ params: { path: { statement } } });

/** Where statements are read from: an account's own by their months, those of all accounts by their numbers. */
export interface Source {
  readonly key: string;
  readonly path: string;
  get(which: string): Promise<BillingStatement>;
  csv(which: string): Promise<Blob>;
  /** The page to print, in the reader's language. */
  page(which: string): Promise<string>;
}

export const statements = {
  key: 'statements',
  path: '/statements',
  list: () => answer(api.GET('/api/v1/statements', {})),
  get: (month: string) => answer(api.GET('/api/v1/statements/{month}', at(month))),
  csv: (month: string) => answer(api.GET('/api/v1/statements/{month}/csv', { ...at(month), parseAs: 'blob' })) as Promise<Blob>,
  page: (month: string) => answer(api.GET('/api/v1/statements/{month}/page', { ...at(month), parseAs: 'text' })) as Promise<string>,
} satisfies Source & Record<string, unknown>;

export const issuedStatements = {
  key: 'issued-statements',
  path: '/issued-statements',
  list: (query: { limit: number; cursor?: string; month?: string; account?: string }) => answer(api.GET('/api/v1/issued-statements', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/issued-statements/{statement}', of(id))),
  csv: (id: string) => answer(api.GET('/api/v1/issued-statements/{statement}/csv', { ...of(id), parseAs: 'blob' })) as Promise<Blob>,
  page: (id: string) => answer(api.GET('/api/v1/issued-statements/{statement}/page', { ...of(id), parseAs: 'text' })) as Promise<string>,
  /** Every line of every statement of a month. */
  table: (month: string) => answer(api.GET('/api/v1/issued-statements/export', { params: { query: { month } }, parseAs: 'blob' })) as Promise<Blob>,
} satisfies Source & Record<string, unknown>;

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
