import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import { useEffect, useRef, type ReactNode } from 'react';
import { ProblemError } from '../api/problem';
import { useFormat } from '../i18n/format';
import { useText } from '../i18n/text';
import { RouteLink } from './RouteLink';
import { ResourceLink } from './ResourceLink';

/** A failure in words: what, why, who uses it, when to try again, and the request's id for whoever looks into it. */
export function ProblemAlert({ failure }: { failure: Error | null }): ReactNode {
  const t = useText();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => { place.current?.scrollIntoView({ block: 'nearest' }); }, [failure]);
  if (failure === null) return null;
  const title = failure instanceof ProblemError ? failure.problem.title : t('problem.unreachable');
  return <div ref={place}><Alert type="error" header={title} data-testid="problem"><ProblemBody failure={failure} /></Alert></div>;
}

export function ProblemBody({ failure }: { failure: Error }): ReactNode {
  const t = useText();
  const format = useFormat();
  if (!(failure instanceof ProblemError)) return t('problem.unreachableHint');
  const { problem, retryAfterSeconds } = failure;
  const { errors, reasons, usedBy } = problem;
  return (
    <>
      {problem.code !== 'quota-exceeded' && problem.detail}
      {retryAfterSeconds !== null && <div>{t('problem.retryAfter', { time: format.time(new Date(Date.now() + retryAfterSeconds * 1000).toISOString()) })}</div>}
      {problem.code === 'quota-exceeded' && <div><RouteLink to="/quotas">{t('problem.toQuotas')}</RouteLink></div>}
      {errors !== null && errors.length > 0 && <ul>{errors.map((e) => <li key={e.field + e.rule}><code>{e.field}</code>: {e.message}</li>)}</ul>}
      {reasons !== null && reasons.length > 0 && (
        <div>
          {t('problem.reasons')}
          <ul>{reasons.map((r) => <li key={r.filter}>{t('problem.reasonHosts', { message: r.message, count: r.hosts })}</li>)}</ul>
        </div>
      )}
      {usedBy !== null && usedBy.length > 0 && (
        <div>
          {t('problem.usedBy')}
          <ul>{usedBy.map((user) => <li key={user.id}><ResourceLink id={user.id} name={user.name} /></li>)}</ul>
        </div>
      )}
      {problem.requestId !== null && <Box fontSize="body-s" color="text-status-inactive">{t('problem.requestId', { id: problem.requestId })}</Box>}
    </>
  );
}
