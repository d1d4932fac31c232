import { useQueryClient } from '@tanstack/react-query';
import { useLocation, useNavigate } from 'react-router';
import type { Ref } from '../api/types';
import { notices } from '../ui/notices';
import { session } from './session';

/** Acts for another account from now on; null for the own one. Nothing that was read of the one before stays; the same list is shown of the other one. */
export function useSwitch(): (account: Ref | null) => void {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  return (account) => {
    const { self, actingFor } = session.get();
    const next = account === null || account.id === self?.account.id ? null : { id: account.id, name: account.name };
    if (next?.id === actingFor?.id) return;
    session.actFor(next);
    notices.set([]);
    queries.clear();
    // What a detail shows is of one account; its list, every account has.
    void navigate(`/${pathname.split('/')[1] ?? ''}`);
  };
}
