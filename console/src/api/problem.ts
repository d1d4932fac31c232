import type { Problem } from './types';

/** An answer of failure from the API. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem, readonly retryAfterSeconds: number | null) {
    super(problem.title);
    this.name = 'ProblemError';
  }
}

/** The problem in an answer that is not a success; one made from the status if the body tells none (a proxy's page, say). */
export function problemOf(body: unknown, response: Response): ProblemError {
  const wait = Number(response.headers.get('Retry-After') ?? Number.NaN);
  const requestId = response.headers.get('X-Request-Id');
  const told = typeof body === 'object' && body !== null ? (body as Partial<Problem>) : {};
  const problem: Problem = {
    type: told.type ?? 'about:blank', title: told.title ?? (`${response.status} ${response.statusText}`).trim(), status: response.status,
    detail: told.detail ?? null, instance: told.instance ?? null, code: told.code ?? `http-${response.status}`, requestId: told.requestId ?? requestId,
    errors: told.errors ?? null, usedBy: told.usedBy ?? null, reasons: told.reasons ?? null,
  };
  return new ProblemError(problem, Number.isFinite(wait) ? wait : null);
}

/** The field a JSON path names, in the form the forms use: `$.rules[0].cidr` is `rules[0].cidr`. */
export function fieldName(path: string): string {
  return path.replace(/^\$\.?/, '').replace(/^\//, '').replaceAll('/', '.');
}
