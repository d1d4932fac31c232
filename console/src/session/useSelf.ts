import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { answer, api } from '../api/client';
import { resyncMs } from '../api/pages';
import { ProblemError } from '../api/problem';
import { notify } from '../ui/notices';
import { useStore } from '../ui/store';
import { session } from './session';
import { useSwitch } from './useSwitch';

/** Keeps what is known of the user true: roles change while somebody works. Gives what kept it from being read. */
export function useSelf(): { error: Error | null; retry: () => void } {
  const { actingFor } = useStore(session);
  const switchTo = useSwitch();
  const { data, error, refetch } = useQuery({ queryKey: ['self', actingFor?.id ?? null], queryFn: () => answer(api.GET('/api/v1/users/me', {})), refetchInterval: resyncMs });
  // An account in which one has no role any more does not exist for one.
  const lost = actingFor !== null && error instanceof ProblemError && error.problem.status === 404;
  useEffect(() => { if (data) session.know(data); }, [data]);
  useEffect(() => {
    if (!lost) return;
    switchTo(null);
    notify({ type: 'warning', saying: { key: 'session.accountLost', values: { name: actingFor.name } } });
    // The account is a new object at each drawing; that it is lost tells all.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [lost]);
  return { error, retry: () => void refetch() };
}
