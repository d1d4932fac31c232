import type { SignInProvider } from '../api/types';

/** What waits in this tab while the browser is at an identity provider: the secret that the sign-in was begun with, and where it goes on. */
export interface Begun {
  readonly verifier: string;
  readonly to: string;
}

/** What came back, to be traded for a session, or why nothing did. */
export type Returned = { readonly code: string; readonly verifier: string; readonly to: string } | { readonly failed: string };

const place = 'kumoi.signIn';

export function encoded(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The SHA-256 that a verifier is known by (RFC 7636). */
export async function challengeOf(verifier: string): Promise<string> {
  return encoded(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** Sends the browser to the provider. Only this tab can go on with what comes back. */
export async function begin(provider: SignInProvider, to: string): Promise<void> {
  const begun: Begun = { verifier: encoded(crypto.getRandomValues(new Uint8Array(32))), to };
  sessionStorage.setItem(place, JSON.stringify(begun));
  location.assign(`${provider.url}?challenge=${await challengeOf(begun.verifier)}`);
}

/** What the fragment of the address says; null if it says nothing. A code that another tab or somebody else began is of no use here. */
export function returnedIn(hash: string, kept: string | null): Returned | null {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const [code, failed] = [said.get('code'), said.get('failed')];
  if (failed !== null) return { failed };
  if (code === null) return null;
  try {
    const { verifier, to } = JSON.parse(kept ?? '') as Partial<Begun>;
    // Nowhere but here: what begins with two slashes is another server.
    if (typeof verifier === 'string') return { code, verifier, to: typeof to === 'string' && /^\/(?![/\\])/.test(to) ? to : '/' };
  } catch {
    // Falls through: nothing was begun here.
  }
  return { failed: 'sign-in-expired' };
}

/** Takes what came back out of the address, where it would stay in the history, and out of the tab: it is good once. */
export function takeReturned(): Returned | null {
  const returned = returnedIn(location.hash, sessionStorage.getItem(place));
  if (returned === null) return null;
  sessionStorage.removeItem(place);
  history.replaceState(history.state, '', location.pathname + location.search);
  return returned;
}
