import createClient from 'openapi-fetch';
import { language } from '../i18n/language';
import { session } from '../session/session';
import { problemOf } from './problem';
import type { paths } from './types';

/** What every request to the API carries. */
export function requestHeaders(): Record<string, string> {
  const { token, actingFor } = session.get();
  return {
    'Accept-Language': language.get(),
    ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
    ...(actingFor === null ? {} : { 'Kumoi-Account': actingFor.id }),
  };
}

export const api = createClient<paths>({ baseUrl: location.origin });

api.use({
  onRequest({ request }) {
    for (const [name, value] of Object.entries(requestHeaders())) request.headers.set(name, value);
    return request;
  },
});

/** The data of an answer; a failure is thrown as a ProblemError, and the session ends when the API no longer knows its token. */
export async function answer<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const sentWith = session.get().token;
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  // An answer to an older token says nothing of the present one.
  if (response.status === 401 && sentWith !== null && session.get().token === sentWith) session.end('expired');
  throw problemOf(error, response);
}
