import { useStore } from '../ui/store';
import { session } from './session';

export interface May {
  /** Create, change and delete the account's resources. */
  readonly write: boolean;
  /** Manage the account's users. */
  readonly admin: boolean;
  /** Manage zones, hosts, flavors and accounts. */
  readonly operate: boolean;
}

/** What the console offers to the user. The server decides what is allowed. */
export function useMay(): May {
  const { user } = useStore(session);
  const role = user?.role ?? 'reader';
  return { write: role !== 'reader', admin: role === 'owner', operate: (user?.operator ?? false) };
}

/** The id of the account whose things are seen and made: the one that an operator acts for, or the own one. */
export function useAccount(): string | undefined {
  const { user, actingFor } = useStore(session);
  return actingFor?.id ?? user?.account.id;
}
