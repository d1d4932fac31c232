import { describe, expect, test } from 'vitest';
import { checkToken, noToken, programOf, tokenOf } from '../src/access/access';
import { canTurn, checkReason } from '../src/accounts/accounts';
import { mayRead } from '../src/api/readable';
import type { Account, Domain, KnownPermission, Role, Self } from '../src/api/types';
import { treeOf } from '../src/domains/domains';
import { catalogue } from '../src/i18n/catalogue';
import { checkAsked, checkLimit, limitValues, setOf, strainOf } from '../src/quotas/quotas';
import { rowsOf, tickOf, toggle } from '../src/roles/grid';
import { checkRole, roleOf } from '../src/roles/roleForm';
import { canBeGiven, givable, isWithin } from '../src/roles/roles';
import { allows, mayOf } from '../src/session/permissions';
import { lacking, offered, sections } from '../src/shell/sections';
import { candidates, matching, placed } from '../src/shell/switcher';

const at = '2026-11-22T00:00:00Z';
const account = (name: string, domain = 'root', state = 'active', kind = 'tenant'): Account => ({ id: `a-${name}`, name, kind, domain: { id: `dom-${domain}`, name: domain }, state, stateReason: '', createdAt: at });
const user = { id: 'u-1', name: 'yuki' };
const inAccount = (name: string, role: string) => ({ user, account: { id: `a-${name}`, name }, domain: null, role, createdAt: at });
const inDomain = (path: string, role: string) => ({ user, account: null, domain: { id: `dom-${path}`, name: path }, role, createdAt: at });
const self = (some: Partial<Self>): Self => ({
  ...user, account: { id: 'a-own', name: 'own' }, role: '', operator: false, disabled: false, createdAt: at, actingFor: account('own'), memberships: [], permissions: [], cloudPermissions: [], domainPermissions: [], accounts: [], ...some,
});

const operatorRole = ['*:read', 'address-pools:*', 'flavors:*', 'hosts:*', 'images:publish', 'pools:*', 'zones:*'];
const operator = mayOf(self({ permissions: operatorRole, cloudPermissions: operatorRole, domainPermissions: operatorRole, memberships: [inDomain('root', 'operator')] }));
const billing = mayOf(self({ permissions: ['accounts:read', 'events:read', 'quotas:read', 'statements:read', 'summary:read', 'usage:read'], memberships: [inAccount('own', 'billing')] }));
const owner = mayOf(self({ permissions: ['*:*'], memberships: [inAccount('own', 'owner')] }));

describe('permissions', () => {
  test.each([
    [['volumes:write'], 'volumes:write', true], [['volumes:write'], 'volumes:read', false], [['volumes:*'], 'volumes:write', true], [['volumes:*'], 'volume-types:write', false], [['*:read'], 'hosts:read', true],
    [['*:read'], 'hosts:write', false], [['*:*'], 'anything:at-all', true], [[], 'volumes:read', false], [['volumes'], 'volumes:read', false], [['instances:console'], 'instances:console', true], [['instances:console'], 'instances:write', false],
  ] as const)('%j: %s is %s', (patterns, permission, expected) => expect(allows(patterns, permission)).toBe(expected));

  test('are looked for where they hold', () => {
    expect([owner('volumes:write'), owner('accounts:write', 'domain'), owner('hosts:read', 'cloud')]).toEqual([true, false, false]);
    expect([operator('hosts:write', 'cloud'), operator('accounts:read', 'domain'), operator('accounts:write', 'domain'), operator('instances:read'), operator('instances:write')]).toEqual([true, true, false, true, false]);
    expect(mayOf(null)('volumes:read')).toBe(false);
  });

  test('of members end at looking where the account is suspended, and at nothing where it is closed', () => {
    const held = (state: string) => mayOf(self({ permissions: ['*:*'], memberships: [inAccount('own', 'owner')], actingFor: account('own', 'root', state) }));
    expect([held('suspended')('volumes:read'), held('suspended')('volumes:write'), held('suspended')('instances:console')]).toEqual([true, false, false]);
    expect(held('closed')('volumes:read')).toBe(false);
  });

  test('of those who look after the account go on, and of those of another domain do not', () => {
    const by = (path: string) => mayOf(self({ permissions: ['*:*'], domainPermissions: ['*:*'], memberships: [inDomain(path, 'domain-administrator'), inAccount('own', 'owner')], actingFor: account('own', 'reseller/sales', 'closed') }));
    expect(['root', 'reseller', 'reseller/sales', 'reseller/sal', 'rival'].map((path) => by(path)('volumes:write'))).toEqual([true, true, true, false, false]);
  });
});

describe('the navigation', () => {
  const paths = (may: typeof owner) => Object.keys(sections).flatMap((group) => offered(group as keyof typeof sections, may).map((s) => s.path));

  test('shows what one may see', () => {
    expect(paths(billing)).toEqual(['events', 'quotas', 'access', 'usage', 'statements']);
    expect(paths(operator)).toEqual(expect.arrayContaining(['hosts', 'flavors', 'pools', 'switches', 'zones', 'accounts', 'instances', 'quota-defaults']));
    expect(paths(operator)).not.toContain('quota-requests');
    expect(paths(owner)).toEqual(expect.arrayContaining(['instances', 'volumes', 'members', 'users', 'roles', 'quotas']));
    expect(paths(owner).filter((path) => ['hosts', 'flavors', 'pools', 'domains', 'accounts', 'quota-requests', 'quota-defaults'].includes(path))).toEqual([]);
  });

  test('says what it takes to see a page', () => {
    expect([lacking('/instances/i-1', billing), lacking('/accounts', owner), lacking('/access', billing), lacking('/', billing), lacking('/flavors', owner), lacking('/nowhere', billing)]).toEqual(['instances:read', 'accounts:read', null, null, null, null]);
  });

  test('has a text for each page', () => {
    expect(Object.values(sections).flat().filter(({ path }) => !(`nav.${path}` in catalogue))).toEqual([]);
  });

  test('lists beside are read only where they may be', () => {
    expect([mayRead('accounts', owner), mayRead('accounts', operator), mayRead('tokens', billing), mayRead('routes', owner), mayRead('volumes', billing), mayRead('strays', operator)]).toEqual([false, true, true, true, false, true]);
  });
});

describe('accounts to act for', () => {
  const me = self({ memberships: [inAccount('zeta', 'owner'), inAccount('own', 'reader'), inDomain('reseller', 'domain-administrator')], actingFor: account('shop', 'reseller') });
  const all = candidates(me, [account('shop', 'reseller'), account('zeta', 'reseller/sales', 'suspended')]);

  test('are those of memberships first, then those of domains, each once', () => {
    expect(all.map((c) => [c.name, c.domain, c.role, c.state])).toEqual([['own', null, 'reader', null], ['zeta', 'reseller/sales', 'owner', 'suspended'], ['shop', 'reseller', null, 'active']]);
  });

  test('are found by all words of name, domain and id', () => {
    expect([matching(all, 'resel'), matching(all, 'SALES z'), matching(all, 'a-own'), matching(all, 'nobody'), matching(all, ' ')].map((found) => found.map((c) => c.name))).toEqual([['zeta', 'shop'], ['zeta'], ['own'], [], ['own', 'zeta', 'shop']]);
  });

  test('are named with their domain', () => {
    expect([placed(account('shop')), placed(account('shop', 'reseller/sales')), placed(account('shop', 'a-long-reseller/of-a-long-department/east'))]).toEqual(['shop', 'shop (reseller/sales)', 'shop (…/east)']);
  });

  test('are held as far as it makes a difference', () => {
    expect([canTurn(account('x'), 'activate'), canTurn(account('x'), 'suspend'), canTurn(account('x', 'root', 'suspended'), 'suspend'), canTurn(account('x', 'root', 'closed'), 'activate'), canTurn(account('x', 'root', 'active', 'operator'), 'suspend')]).toEqual([false, true, false, true, false]);
    expect([checkReason('unpaid'), checkReason('x'.repeat(257)).length]).toEqual([[], 1]);
  });
});

describe('roles', () => {
  const known: KnownPermission[] = [['accounts:read', 'domain'], ['hosts:read', 'cloud'], ['images:publish', 'cloud'], ['images:read', 'account'], ['volumes:read', 'account'], ['volumes:write', 'account']].map(([permission, reach]) => ({ permission: permission!, reach: reach! }));
  const role = (name: string, some: Partial<Role> = {}): Role => ({ id: `role-${name}`, name, description: '', permissions: ['*:read'], builtIn: false, account: null, domain: null, createdAt: at, ...some });

  test('offer what means something where they belong', () => {
    expect(rowsOf(known, 'account', [])).toEqual([{ capability: 'images', verbs: ['read'] }, { capability: 'volumes', verbs: ['read', 'write'] }]);
    expect(rowsOf(known, 'domain', []).map((r) => r.capability)).toEqual(['accounts', 'images', 'volumes']);
    expect(rowsOf(known, 'cloud', ['later:read', '*:read', 'volumes:*'])).toEqual([
      { capability: 'accounts', verbs: ['read'] }, { capability: 'hosts', verbs: ['read'] }, { capability: 'images', verbs: ['read', 'publish'] }, { capability: 'later', verbs: ['read'] }, { capability: 'volumes', verbs: ['read', 'write'] },
    ]);
  });

  test('are ticked, and what a wider box stands for is not named besides', () => {
    expect(toggle(['volumes:read', 'images:read'], 'volumes:*')).toEqual(['images:read', 'volumes:*']);
    expect(toggle(['volumes:*', 'images:read', 'hosts:write'], '*:read')).toEqual(['*:read', 'hosts:write', 'volumes:*']);
    expect(toggle(['volumes:*', 'images:read'], '*:*')).toEqual(['*:*']);
    expect(toggle(['volumes:*'], 'volumes:*')).toEqual([]);
    expect([tickOf(['*:read'], 'volumes:read'), tickOf(['*:read'], 'volumes:write'), tickOf(['*:read'], '*:read'), tickOf(['*:*'], '*:read'), tickOf(['volumes:*'], 'volumes:*'), tickOf(['*:read'], 'volumes:*')]).toEqual(['wider', 'none', 'own', 'wider', 'own', 'none']);
  });

  test('are checked, and sent as they are', () => {
    const values = { name: 'keeper', description: '', permissions: ['volumes:*'], domain: '' };
    expect(checkRole(values, true)).toEqual([]);
    expect(checkRole({ ...values, name: '', permissions: [], domain: 'choose' }, true).map((v) => v.field)).toEqual(['name', 'permissions', 'domain']);
    expect([roleOf(values).domain, roleOf({ ...values, domain: 'reseller' }).domain]).toEqual([null, 'reseller']);
  });

  test('are given where they mean something', () => {
    const builtIn = (name: string) => role(name, { builtIn: true });
    expect([canBeGiven(builtIn('administrator'), 'account'), canBeGiven(builtIn('owner'), 'account'), canBeGiven(builtIn('administrator'), { path: 'root' }), canBeGiven(builtIn('operator'), { path: 'reseller' }), canBeGiven(builtIn('domain-administrator'), { path: 'reseller' }), canBeGiven(builtIn('domain-administrator'), { path: 'root' })])
      .toEqual([false, true, true, false, true, false]);
    const ofDomain = role('shift', { domain: { id: 'dom-1', name: 'reseller' } });
    expect([canBeGiven(ofDomain, { path: 'reseller/sales' }), canBeGiven(ofDomain, { path: 'rival' }), canBeGiven(role('own', { account: { id: 'a-1', name: 'x' } }), { path: 'reseller' })]).toEqual([true, false, false]);
    expect([isWithin('resellers', 'reseller'), isWithin('reseller/sales', 'reseller'), isWithin('anything', 'root')]).toEqual([false, true, true]);
  });

  test('of the account hide those of domains that have the same name', () => {
    const [mine, theirs] = [role('shift', { id: 'role-a', account: { id: 'a-1', name: 'x' } }), role('shift', { id: 'role-d', domain: { id: 'dom-1', name: 'reseller' } })];
    expect(givable([theirs, mine], 'account').map((r) => r.id)).toEqual(['role-a']);
  });
});

describe('domains', () => {
  const domain = (path: string, parent: string | null, accounts = 0): Domain => ({ id: `dom-${path}`, name: path.split('/').at(-1)!, path, parent: parent === null ? null : { id: `dom-${parent}`, name: parent }, accounts, createdAt: at });

  test('are a tree, from the highest that one sees', () => {
    const tree = treeOf([domain('reseller/sales', 'reseller', 2), domain('reseller', 'root', 1), domain('reseller/ops', 'reseller'), domain('reseller/sales/east', 'reseller/sales', 3)]);
    expect(tree.tops.map((d) => d.path)).toEqual(['reseller']);
    expect(tree.childrenOf(tree.tops[0]!).map((d) => d.path)).toEqual(['reseller/ops', 'reseller/sales']);
    expect(tree.accountsIn(tree.tops[0]!)).toBe(6);
  });
});

describe('quotas', () => {
  const ofDomain = { domain: { id: 'dom-1', name: 'reseller' }, limit: 10, used: 9 };

  test('tell how near the tightest limit is', () => {
    expect([strainOf({ limit: null, used: 9, domains: null }), strainOf({ limit: 10, used: 7, domains: [] }), strainOf({ limit: 10, used: 8, domains: [] }), strainOf({ limit: 3, used: 5, domains: [] }), strainOf({ limit: null, used: 1, domains: [ofDomain] }), strainOf({ limit: 0, used: 0, domains: null })])
      .toEqual(['calm', 'calm', 'near', 'full', 'near', 'full']);
  });

  test('are set to a limit, to none and to the default', () => {
    expect([limitValues({ limit: 5, source: 'account' }), limitValues({ limit: null, source: 'domain' }), limitValues({ limit: 5, source: 'default' })].map((v) => v.kind)).toEqual(['limit', 'none', 'default']);
    expect(setOf('vcpus', { kind: 'limit', limit: '8' })).toEqual({ limits: { vcpus: 8 }, default: null });
    expect(setOf('vcpus', { kind: 'none', limit: '8' })).toEqual({ limits: { vcpus: null }, default: null });
    expect(setOf('vcpus', { kind: 'default', limit: '' })).toEqual({ limits: null, default: ['vcpus'] });
    expect([checkLimit({ kind: 'limit', limit: '0' }), checkLimit({ kind: 'limit', limit: '-1' }).length, checkLimit({ kind: 'none', limit: 'x' })]).toEqual([[], 1, []]);
  });

  test('are asked to be more than they are', () => {
    expect([checkAsked({ resource: 'vcpus', limit: '8', reason: '' }, { limit: 8 }).map((v) => v.field), checkAsked({ resource: 'vcpus', limit: '9', reason: '' }, { limit: 8 }), checkAsked({ resource: 'vcpus', limit: '9', reason: 'x'.repeat(1001) }, { limit: 8 }).map((v) => v.field)])
      .toEqual([['limit'], [], ['reason']]);
  });
});

describe('tokens', () => {
  test('are good for as much as is asked', () => {
    expect(tokenOf({ ...noToken, name: 'ci' })).toEqual({ name: 'ci', expiresInDays: 90, permissions: null, account: null, allowedRanges: null });
    expect(tokenOf({ name: 'ci', expiresInDays: '', limited: true, permissions: ['backups:*'], account: 'a-1', ranges: '203.0.113.0/24\n2001:db8::/32\n' })).toEqual({ name: 'ci', expiresInDays: null, permissions: ['backups:*'], account: 'a-1', allowedRanges: ['203.0.113.0/24', '2001:db8::/32'] });
  });

  test('are checked', () => {
    expect(checkToken({ ...noToken, name: 'ci' })).toEqual([]);
    expect(checkToken({ ...noToken, limited: true, ranges: '203.0.113.1/24', expiresInDays: '0' }).map((v) => v.field)).toEqual(['name', 'expiresInDays', 'permissions', 'ranges']);
  });

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36', 'Chrome 140 (Linux)'], ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0', 'Edge 139 (Windows)'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15', 'Safari 18 (macOS)'], ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox 128 (Linux)'],
    ['curl/8.5.0', 'curl 8.5.0'], ['something else', 'something else'], ['x'.repeat(100), `${'x'.repeat(59)}…`],
  ])('are used by %s', (userAgent, expected) => expect(programOf(userAgent)).toBe(expected));
});
