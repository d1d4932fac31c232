import { describe, expect, test } from 'vitest';
import { challengeOf, encoded, returnedIn } from '../src/session/signIn';

describe('signing in by an identity provider', () => {
  const kept = JSON.stringify({ verifier: 'secret', to: '/instances?tag=a' });

  test('what came back goes on where it was begun', () => {
    expect(returnedIn('#code=abc-_1', kept)).toEqual({ code: 'abc-_1', verifier: 'secret', to: '/instances?tag=a' });
    expect(returnedIn('#failed=sign-in-refused', kept)).toEqual({ failed: 'sign-in-refused' });
    expect(returnedIn('', kept)).toBeNull();
    expect(returnedIn('#other=1', kept)).toBeNull();
  });

  test('a code that was not asked for here is of no use', () => {
    for (const other of [null, '', '{}', '[', '{"verifier":1}']) expect(returnedIn('#code=abc', other)).toEqual({ failed: 'sign-in-expired' });
  });

  test('it goes on nowhere but here', () => {
    for (const to of ['//example.net', 'https://example.net', 'javascript:alert(1)', '', 1]) expect(returnedIn('#code=a', JSON.stringify({ verifier: 'v', to }))).toEqual({ code: 'a', verifier: 'v', to: '/' });
  });

  test('a verifier is known by its SHA-256, as in the example of RFC 7636', async () => {
    expect(await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe('E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
    expect(encoded(new Uint8Array([251, 255]))).toBe('-_8');
  });
});
