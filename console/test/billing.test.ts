import { describe, expect, test } from 'vitest';
import { encode } from 'uqr';
import { checkKey, envOf, keyOf, noKey } from '../src/access/accessKeys';
import { grouped } from '../src/access/secondFactor';
import { alertStates, lookOf } from '../src/alerts/alerts';
import { staleAfter } from '../src/api/live';
import type { Contact, Event, HostPool, StatementLine, UsageAmount, UserDirectory } from '../src/api/types';
import { checkContact, contactOf, contactUpdate, contactValues, kindsOf, noContact } from '../src/contacts/contacts';
import { changesOf, checkDirectory, directoryOf, directoryUpdate, noDirectory } from '../src/directories/directories';
import { checkHostPool, hostPoolOf, hostPoolUpdate, hostPoolValues, noHostPool } from '../src/host-pools/hostPools';
import { catalogue } from '../src/i18n/catalogue';
import { formatIn } from '../src/i18n/format';
import { blank, check, toRequest } from '../src/instances/launch/launch';
import { folded } from '../src/shell/folded';
import { resourcesOf, rowsOf } from '../src/statements/statements';
import { checkSubscription, noSubscription, subscriptionOf } from '../src/subscriptions/subscriptions';
import { assignOf, checkAssign, checkPrice, checkTariff, isOver, monthsAround, noTariff, priceOf, tariffOf, wholeHour } from '../src/tariffs/tariffs';
import { barsOf, meters, ordered } from '../src/usage/usage';

const fields = (found: readonly { field: string }[]) => found.map((v) => v.field);

describe('figures', () => {
  const [en, ja] = [formatIn('en'), formatIn('ja')];

  test('have the places of their currency, in the form of the language', () => {
    expect([ja.money(1234, 'JPY'), ja.money(1234.5, 'USD'), en.money(1234.5, 'USD').replace('US', ''), ja.price(0.0042, 'USD')]).toEqual(['￥1,234', '$1,234.50', '$1,234.50', '$0.0042']);
    expect([ja.quantity(46.533625), en.quantity(1234.5)]).toEqual(['46.533625', '1,234.5']);
  });

  test('are of the days and months that the server counts by, wherever the reader is', () => {
    expect([ja.month('2026-11'), en.month('2026-11'), ja.day('2026-11-01T00:00:00Z'), ja.dayShort('2026-11-01T00:00:00Z'), ja.dateIn('2026-10-31T15:00:00Z', 'Asia/Tokyo')]).toEqual(['2026年11月', 'November 2026', '2026/11/01', '11/1', '2026/11/01']);
  });
});

describe('use', () => {
  const amount = (meter: string, quantity: number, since: string | null = null, attribute = ''): UsageAmount => ({ meter, attribute, unit: 'hour', quantity, since, resource: null });

  test('has a word for each meter', () => expect(meters.filter((meter) => !(`meter.${meter}` in catalogue))).toEqual([]));

  test('is read by the latest day, by meter, the most used first', () => {
    const rows = ordered([amount('volume.allocated', 1), amount('instance.running', 1, null, 'small'), amount('later.meter', 5), amount('instance.running', 9, null, 'big')]);
    expect(rows.map((u) => `${u.meter} ${u.attribute}`)).toEqual(['instance.running big', 'instance.running small', 'volume.allocated ', 'later.meter ']);
    expect(new Set(rows.map((u) => u.id)).size).toBe(4);
    expect(ordered([amount('a', 1, '2026-11-01T00:00:00Z'), amount('a', 1, '2026-11-02T00:00:00Z')]).map((u) => u.since)).toEqual(['2026-11-02T00:00:00Z', '2026-11-01T00:00:00Z']);
  });

  test('is drawn for each day, with those on which there was nothing', () => {
    const items = [amount('a', 3, '2026-11-02T00:00:00+00:00', 'x'), amount('a', 2, '2026-11-02T00:00:00Z', 'y'), amount('b', 9, '2026-11-03T00:00:00Z'), amount('a', 1, '2026-11-04T00:00:00Z', 'y')];
    const bars = barsOf(items, 'a', '2026-11-01T05:00:00Z', '2026-11-04T02:00:00Z');
    expect(bars.days.map((day) => day.slice(5, 10))).toEqual(['11-01', '11-02', '11-03', '11-04']);
    expect([bars.series, bars.most]).toEqual([[{ attribute: 'x', quantities: [0, 3, 0, 0] }, { attribute: 'y', quantities: [0, 2, 0, 1] }], 5]);
    expect(barsOf(items, 'a', '2026-01-01T00:00:00Z', '2026-12-01T00:00:00Z').days).toHaveLength(2);
    expect(barsOf([], 'a', '2026-11-01T00:00:00Z', '2026-11-01T00:00:00Z')).toEqual({ days: [], series: [], most: 0 });
  });
});

test('lines of a statement unfold into their resources, and these no further', () => {
  const line = { meter: 'volume.allocated', resources: [{ type: 'volume', id: 'vol-1', name: 'a', quantity: 1 }, { type: 'volume', id: 'vol-2', name: 'b', quantity: 2 }] } as unknown as StatementLine;
  const rows = rowsOf([line, line]);
  const all = [...rows, ...rows.flatMap(resourcesOf)];
  expect([new Set(all.map((row) => row.id)).size, rows.flatMap(resourcesOf).flatMap(resourcesOf)]).toEqual([6, []]);
});

describe('tariffs', () => {
  const tariff = { ...noTariff('Asia/Tokyo'), name: 'standard' };
  const price = { meter: 'traffic.out', attribute: '', price: '12', included: '100', validFrom: '' };

  test('are checked, and sent as they are', () => {
    expect([checkTariff(tariff), fields(checkTariff({ ...tariff, name: '', currency: 'yen', timeZone: ' ', taxPercent: '101' }))]).toEqual([[], ['name', 'currency', 'timeZone', 'taxPercent']]);
    expect(tariffOf({ ...tariff, taxPercent: '7.5' })).toEqual({ name: 'standard', description: null, currency: 'JPY', timeZone: 'Asia/Tokyo', taxPercent: 7.5, rounding: 'half-up' });
  });

  test('have prices that begin with an hour', () => {
    expect([checkPrice(price), fields(checkPrice({ ...price, price: '-1', included: 'x', validFrom: '2026-12-01T00:30' }))]).toEqual([[], ['price', 'included', 'validFrom']]);
    expect([wholeHour('2026-12-01T00:00'), wholeHour('2026-12-01T00:00:00'), wholeHour('tomorrow')?.key]).toEqual([null, null, 'tariff.hourWrong']);
    expect(priceOf({ ...price, validFrom: '2026-12-01T00:00' })).toEqual({ meter: 'traffic.out', attribute: null, price: 12, included: 100, validFrom: new Date(2026, 11, 1).toISOString() });
    expect([null, '2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z'].map((validUntil) => isOver({ validUntil }, Date.UTC(2026, 5)))).toEqual([false, true, false]);
  });

  test('are given to all, a domain or an account by month', () => {
    const assign = { scope: 'account', account: 'a-1', domain: 'dom-1', month: '2026-12' } as const;
    expect([assignOf(assign), assignOf({ ...assign, scope: 'domain' }), assignOf({ ...assign, scope: 'cloud' })]).toEqual([{ account: 'a-1', domain: null, month: '2026-12' }, { account: null, domain: 'dom-1', month: '2026-12' }, { account: null, domain: null, month: '2026-12' }]);
    expect([checkAssign({ ...assign, account: '' }).length, checkAssign({ ...assign, scope: 'domain', domain: '' }).length, checkAssign({ ...assign, scope: 'cloud', account: '', domain: '' }).length]).toEqual([1, 1, 0]);
    expect(monthsAround(Date.UTC(2026, 0, 31), 3)).toEqual(['2025-12', '2026-01', '2026-02']);
  });
});

describe('safer logins', () => {
  test('an access key is limited, and read by a shell', () => {
    expect([checkKey(noKey), fields(checkKey({ name: 'a/b', expiresInDays: '0', ranges: '203.0.113.1/24' }))]).toEqual([[], ['name', 'expiresInDays', 'ranges']]);
    expect([keyOf(noKey), keyOf({ name: 'job', expiresInDays: '30', ranges: '203.0.113.0/24\n2001:db8::/32' })]).toEqual([{ name: null, expiresInDays: null, sourceRanges: null }, { name: 'job', expiresInDays: 30, sourceRanges: ['203.0.113.0/24', '2001:db8::/32'] }]);
    expect(envOf({ id: 'AKIA', secret: 'a+/b', region: 'kumoi' }, 'https://c').split('\n')).toEqual(['AWS_ACCESS_KEY_ID=AKIA', 'AWS_SECRET_ACCESS_KEY=a+/b', 'AWS_DEFAULT_REGION=kumoi', 'AWS_REGION=kumoi', 'AWS_ENDPOINT_URL_EC2=https://c/ec2', '']);
  });

  test('a secret is typed in groups, and drawn as large as it needs', () => {
    expect([grouped('ABCDEFGH'), grouped('ABCDE')]).toEqual(['ABCD EFGH', 'ABCD E']);
    const { data, size } = encode('otpauth://totp/Kumoi:kenji?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Kumoi', { ecc: 'M', border: 0 });
    expect([data.length, (size - 17) % 4, data[0]?.slice(0, 8)]).toEqual([size, 0, [true, true, true, true, true, true, true, false]]);
  });

  test('a directory is asked over TLS, and gives roles in an account', () => {
    const directory = { ...noDirectory, name: 'office', url: 'ldaps://ldap.example.net', baseDn: 'dc=example,dc=net' };
    expect(checkDirectory(directory)).toEqual([]);
    expect(['ldap://ldap.example.net', 'ldaps://', 'ldaps://me@host', 'https://x'].map((url) => fields(checkDirectory({ ...directory, url })))).toEqual([['url'], ['url'], ['url'], ['url']]);
    expect(fields(checkDirectory({ ...directory, bindDn: 'cn=search', groupRoles: [{ group: '', role: 'owner' }] }))).toEqual(['bindPassword', 'account', 'groupRoles[0].group']);
    expect(directoryOf({ ...directory, bindPassword: 'left over' })).toMatchObject({ bindDn: null, bindPassword: null, groupRoles: null, userFilter: null, account: null, openId: null });
  });

  test('are identity providers, too, of which only what they have is sent', () => {
    const provider = { ...noDirectory, kind: 'oidc' as const, name: 'office', url: 'https://id.example.net/realms/example', clientId: ' kumoi ', baseDn: 'left over' };
    expect([checkDirectory(provider), fields(checkDirectory({ ...provider, url: 'ldaps://ldap.example.net', clientId: '' }))]).toEqual([[], ['url', 'clientId']]);
    expect(directoryOf(provider)).toMatchObject({ baseDn: null, bindDn: null, userFilter: null, openId: { clientId: 'kumoi', clientSecret: null, listed: null, scopes: null } });
    expect(directoryOf({ ...provider, listed: 'no' }).openId?.listed).toBe(false);
    const first = changesOf({ openId: { title: 'Example', listed: true }, defaultRole: null, groupRoles: [{ group: 'a', role: 'member' }] } as unknown as UserDirectory);
    expect(directoryUpdate(first, first)).toEqual({ secret: null, title: null, listed: null, defaultRole: null, groupRoles: null });
    expect(directoryUpdate({ ...first, secret: 'new', listed: 'no', groupRoles: [] }, first)).toEqual({ secret: 'new', title: null, listed: false, defaultRole: null, groupRoles: [] });
  });
});

describe('host pools', () => {
  const pool: HostPool = { id: 'hp-1', name: 'gold', description: '', cpuOvercommit: 2, memoryOvercommit: 1.5, allAccounts: false, accounts: [{ id: 'a-1', name: 'acme' }], hosts: 1, capacity: null, allocated: null, createdAt: '2026-11-22T00:00:00Z' };
  const first = hostPoolValues(pool);

  test('are for all, for some, or for nobody', () => {
    expect([hostPoolOf({ ...noHostPool, name: 'a' }).accounts, hostPoolOf({ ...noHostPool, name: 'a', whom: 'all', accounts: ['a-1'] }).accounts]).toEqual([[], null]);
    expect([fields(checkHostPool({ ...noHostPool, cpuOvercommit: '65', memoryOvercommit: '0.5' })), checkHostPool({ ...noHostPool, name: 'a' })]).toEqual([['name', 'cpuOvercommit', 'memoryOvercommit'], []]);
  });

  test('change in what was changed, and nothing else', () => {
    const none = { description: null, cpuOvercommit: null, memoryOvercommit: null, allAccounts: null, accounts: null };
    expect([hostPoolUpdate(first, first), hostPoolUpdate({ ...first, whom: 'all' }, first), hostPoolUpdate({ ...first, accounts: [] }, first), hostPoolUpdate({ ...first, cpuOvercommit: '4' }, first)]).toEqual([none, { ...none, allAccounts: true }, { ...none, accounts: [] }, { ...none, cpuOvercommit: 4 }]);
  });

  test('and labels are asked for at a launch', () => {
    const launch = { ...blank, name: 'a', image: 'img-1', flavor: 'flv-1', hostPool: 'hp-1', requiredLabels: [{ key: 'gpu', value: '' }] };
    expect(toRequest(launch, false)).toMatchObject({ hostPool: 'hp-1', requiredLabels: { gpu: '' } });
    expect([toRequest({ ...launch, hostPool: '', requiredLabels: [] }, false).hostPool, toRequest({ ...launch, requiredLabels: [] }, false).requiredLabels]).toEqual([null, null]);
    expect(fields(check({ ...launch, requiredLabels: [{ key: '', value: 'x' }] }, false))).toEqual(['requiredLabels[0].key']);
  });
});

describe('alerts', () => {
  test('look as bad as they are while nobody looks after them', () => {
    expect([['open', 'critical'], ['open', 'warning'], ['open', 'info'], ['acknowledged', 'critical'], ['resolved', 'critical']].map(([state, severity]) => lookOf({ state: state!, severity: severity! }))).toEqual(['error', 'warning', 'info', 'in-progress', 'success']);
    expect(alertStates[0]).toBe('unresolved');
  });

  test('have a word for each kind, and are told to contacts', () => {
    expect([...kindsOf.account, ...kindsOf.cloud].filter((kind) => !(`alert.kind.${kind}` in catalogue))).toEqual([]);
    const contact = { ...noContact('ja'), name: 'ops', address: 'ops@example.net' };
    expect([checkContact(contact), fields(checkContact({ ...contact, address: 'ops', intervalMinutes: '0' }))]).toEqual([[], ['address', 'intervalMinutes']]);
    expect(contactOf(contact)).toMatchObject({ minimumSeverity: 'warning', kinds: [], language: 'ja', intervalMinutes: 5 });
    const first = contactValues({ ...contactOf(contact), id: 'ct-1', kinds: ['quota.near'], state: 'verified', lastError: null, toldAt: null, createdAt: '', secret: null } as Contact);
    expect(fields(checkContact({ ...contact, kind: 'webhook', address: '' }))).toEqual(['address']);
    expect(contactOf({ ...contact, kind: 'webhook', address: ' https://example.net/hook ' })).toMatchObject({ kind: 'webhook', address: 'https://example.net/hook' });
    expect(contactUpdate({ ...first, kinds: [] }, first)).toEqual({ name: null, minimumSeverity: null, language: null, kinds: [], intervalMinutes: null });
  });
});

test('a subscription says of a broker only what a broker has', () => {
  const values = { ...noSubscription, name: 'bus', url: 'https://example.org/', password: 'left over', actions: 'instance.*\nvolume.lost' };
  expect([subscriptionOf(values), fields(checkSubscription(noSubscription))]).toEqual([{ name: 'bus', kind: 'webhook', url: 'https://example.org/', content: 'events', actions: ['instance.*', 'volume.lost'], scope: 'account', exchange: null, password: null }, ['name', 'url']]);
});

test('events make stale what shows tariffs, directories and second factors', () => {
  const event = (type: string) => ({ resource: { type, id: 'x', name: 'x' } }) as Event;
  expect([...staleAfter([event('directory'), event('tariff'), event('host-pool'), event('alert')])].sort()).toEqual(['alerts', 'cloud-alerts', 'directories', 'events', 'host-pools', 'hosts', 'statements', 'tariffs']);
  expect(staleAfter([event('user')]).has('second-factor')).toBe(true);
});

test('groups of the navigation stay closed', () => {
  folded.fold('storage', true);
  folded.fold('storage', true);
  folded.fold('network', true);
  folded.fold('network', false);
  expect(folded.get()).toEqual(['storage']);
});
