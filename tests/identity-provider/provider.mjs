// An identity provider (the npm package oidc-provider) that knows a client and lets anybody in by any password: provider.mjs PORT REDIRECT-URI.
// Its ID tokens are short, as those of many: what is not the subject is told when it is asked for.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port, redirectUri] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'kumoi', client_secret: 'secret of the client', redirect_uris: [redirectUri], response_types: ['code'], grant_types: ['authorization_code'] }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id, groups: ['developers'], email: `${id}@example.net`, email_verified: true }) }),
});
createServer(provider.callback()).listen(Number(port), '127.0.0.1', () => console.log('ready'));
