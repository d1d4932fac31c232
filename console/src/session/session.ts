import type { Ref, TokenCreated, User } from '../api/types';
import { store } from '../ui/store';

/** Who is logged in. Kept for this tab only, and gone with it. */
export interface Session {
  readonly token: string | null;
  readonly user: User | null;
  /** The account an operator acts for, when it is not the own one. */
  readonly actingFor: Ref | null;
  /** Why there is no session, if it ended by itself. */
  readonly ended: 'expired' | null;
}

const kept = 'kumoi.session';
const none: Session = { token: null, user: null, actingFor: null, ended: null };

function read(): Session {
  try {
    return { ...none, ...(JSON.parse(sessionStorage.getItem(kept) ?? '{}') as Partial<Session>) };
  } catch {
    return none;
  }
}

const inner = store<Session>(read());

function write(next: Session): void {
  if (next.token === null) sessionStorage.removeItem(kept);
  else sessionStorage.setItem(kept, JSON.stringify(next));
  inner.set(next);
}

export const session = {
  get: inner.get,
  set: write,
  subscribe: inner.subscribe,
  start: (created: TokenCreated) => write({ ...none, token: created.token, user: created.user }),
  actFor: (account: Ref | null) => write({ ...inner.get(), actingFor: account }),
  end: (why: Session['ended']) => write({ ...none, ended: why }),
};
