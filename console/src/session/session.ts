import type { Ref, Self, TokenCreated } from '../api/types';
import { store } from '../ui/store';

/** Who is logged in. Kept for this tab only, and gone with it. */
export interface Session {
  readonly token: string | null;
  /** The id of the token: which of one's sessions this is. */
  readonly tokenId: string | null;
  /** The account that is acted for, when it is not the own one. */
  readonly actingFor: Ref | null;
  /** Who that is, and what it may in the account that is acted for; null until the server has told. */
  readonly self: Self | null;
  /** Why there is no session, if it ended by itself. */
  readonly ended: 'expired' | null;
}

const kept = 'kumoi.session';
const none: Session = { token: null, tokenId: null, actingFor: null, self: null, ended: null };

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
  start: (created: TokenCreated) => write({ ...none, token: created.token, tokenId: created.id }),
  /** What is known of the account before says nothing of this one. */
  actFor: (account: Ref | null) => write({ ...inner.get(), actingFor: account, self: null }),
  /** Takes what the server told, unless another account is acted for by now. */
  know: (self: Self) => {
    const now = inner.get();
    if (now.token !== null && self.actingFor.id === (now.actingFor?.id ?? self.account.id) && JSON.stringify(self) !== JSON.stringify(now.self)) write({ ...now, self });
  },
  end: (why: Session['ended']) => write({ ...none, ended: why }),
};
