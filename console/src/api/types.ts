/** The records and routes of the API, generated from its OpenAPI document (`npm run generate`). Everything else imports them from here. */
export type * from './schema';

/** One page of a list; the document has one such record for each kind of item. */
export interface Page<T> {
  items: T[];
  next: string | null;
}
