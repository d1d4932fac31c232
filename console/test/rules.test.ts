import { describe, expect, test } from 'vitest';
import { blank, blankInterface, check, idempotencyKeys, toRequest } from '../src/instances/launch/launch';
import { blankNetwork, dnsList, networkField, networkRequest, searchList, subnetRange } from '../src/networks/networks';
import { blankRule, checkRule, presets, ruleRequest } from '../src/security-groups/rule';
import { address, atMostBytes, cidr, name, publicKey, url, wholeNumber } from '../src/ui/rules';

describe('names', () => {
  test.each(['web-1', '東京のサーバー', '🐈', 'a b', 'x'.repeat(63), '👨‍👩‍👧‍👦'.repeat(20)])('takes %s', (text) => expect(name(text)).toBeNull());
  test.each(['', ' a', 'a ', 'a/b', 'a\\b', 'a\tb', 'x'.repeat(64), 'i-19a3f2b4c5d6e7f80', 'me', 'current', '\ud800'])('refuses %j', (text) => expect(name(text)).not.toBeNull());
});

describe('ranges and addresses', () => {
  test.each(['0.0.0.0/0', '10.0.0.0/8', '192.0.2.1/32', '255.255.255.255/32', '::/0', 'fd00:1::/64', '2001:db8::1/128', '1:2:3:4:5:6:7:8/128'])('takes %s', (text) => expect(cidr(text)).toBeNull());
  test.each(['', '10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '10.0.0/24', '256.0.0.0/8', '010.0.0.0/8', '10.0.0.0/8/8', 'fd00:1::1/64', 'fd00:1:/64', 'fd00::1::/64', '1:2:3:4:5:6:7:8::/128', 'fd00::/129', 'g::/16'])('refuses %j', (text) => expect(cidr(text)).not.toBeNull());
  test('subnets have a prefix from /16 to /28', () => {
    expect(['10.0.0.0/16', '10.0.0.0/28'].map(subnetRange)).toEqual([null, null]);
    expect(['10.0.0.0/15', '10.0.0.0/29'].map((text) => subnetRange(text)?.key)).toEqual(['network.prefix', 'network.prefix']);
    expect(['fd00:1::/64', 'fd00:1::/48'].map((text) => subnetRange(text)?.key)).toEqual([undefined, 'network.prefix6']);
  });
  test('a network is asked for with a subnet of each family, and errors find their fields', () => {
    const whole = { gateway: null, range: null, reserved: null, excluded: null };
    const asked = { ...blankNetwork, name: 'lab', cidr: '10.1.0.0/24', cidr6: 'fd00:1::/64', dnsServers: '10.1.0.53, fd00:1::53', searchDomains: 'lab.example example', mtu: '', isolated: true };
    expect(networkRequest(asked, [])).toEqual({
      name: 'lab', segment: null, mtu: null, outside: 'none', searchDomains: ['lab.example', 'example'],
      subnets: [{ name: null, cidr: '10.1.0.0/24', dnsServers: ['10.1.0.53'], ...whole }, { name: null, cidr: 'fd00:1::/64', dnsServers: ['fd00:1::53'], ...whole }],
    });
    expect(['subnets[0].cidr', 'subnets[1].cidr', 'subnets[1].dnsServers[0]', 'name'].map((path) => networkField(path, asked))).toEqual(['cidr', 'cidr6', 'dnsServers', 'name']);
    expect(networkField('subnets[0].cidr', { ...asked, cidr: '' })).toBe('cidr6');
    expect(searchList('Lab.example')).not.toBeNull();
    expect(['192.0.2.1', 'fd00:1::5', '::1'].map(address)).toEqual([null, null, null]);
  });
  test('DNS servers are at most four addresses', () => {
    expect(dnsList('192.0.2.1, 192.0.2.2')).toBeNull();
    expect(dnsList('192.0.2.1 name')).not.toBeNull();
    expect(dnsList('192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5')).not.toBeNull();
  });
});

test('numbers, URLs, keys and sizes', () => {
  expect(['1', '100'].map((n) => wholeNumber(n, 1, 100))).toEqual([null, null]);
  expect(['', '0', '101', '1.5', '-1', '1e1', ' 1'].filter((n) => wholeNumber(n, 1, 100) === null)).toEqual([]);
  expect(url('https://example.net/a.qcow2')).toBeNull();
  expect(['ftp://a', 'https://', 'example.net', 'https:// a'].filter((u) => url(u) === null)).toEqual([]);
  expect(publicKey('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ+/x me@here')).toBeNull();
  expect(publicKey('-----BEGIN OPENSSH PRIVATE KEY-----')).not.toBeNull();
  expect(atMostBytes('雲'.repeat(2), 6)).toBeNull();
  expect(atMostBytes('雲'.repeat(2), 5)).toEqual({ key: 'rule.tooManyBytes', values: { max: 5, size: 6 } });
});

describe('launching', () => {
  test('tells every field that is missing', () => {
    expect(check(blank, false).map((v) => v.field)).toEqual(['name', 'image', 'flavor']);
    expect(check({ ...blank, name: 'a', image: 'i', flavor: 'f', count: '101', userData: 'x'.repeat(65_537) }, false).map((v) => v.field)).toEqual(['userData', 'count']);
  });

  test('leaves to the server what was not chosen', () => {
    expect(toRequest({ ...blank, name: 'a', image: 'i', flavor: 'f' }, false))
      .toEqual({ name: 'a', image: 'i', flavor: 'f', rootVolume: null, diskGib: null, keyPair: null, network: null, zone: null, placementGroup: null, hostPool: null, requiredLabels: null, userData: null, securityGroups: null, count: null, interfaces: null, floating: null });
    expect(toRequest({ ...blank, count: '3' }, false).count).toBe(3);
  });

  test('several networks, or a fixed address, are a list of interfaces', () => {
    const fixed = { network: 'net-1', address: '10.1.0.5', address6: 'fd00:1::5' };
    const sent = { subnet: null, securityGroups: null };
    expect(toRequest({ ...blank, interfaces: [fixed, blankInterface] }, false)).toMatchObject({ network: null, interfaces: [{ ...fixed, ...sent }, { network: 'default', address: null, address6: null, ...sent }] });
    expect(toRequest({ ...blank, interfaces: [{ ...blankInterface, network: 'net-1' }], floating: false }, false)).toMatchObject({ network: 'net-1', interfaces: null, floating: false });
    expect(check({ ...blank, name: 'a', image: 'i', flavor: 'f', interfaces: [blankInterface, { ...fixed, address: '10.1' }] }, false).map((v) => v.field)).toEqual(['interfaces[1].address']);
  });

  test('repeats a request with its key, and gives another request another key', () => {
    let made = 0;
    const keys = idempotencyKeys(() => `key-${++made}`);
    expect([keys.for({ a: 1 }), keys.for({ a: 1 }), keys.for({ a: 2 }), keys.for({ a: 1 })]).toEqual(['key-1', 'key-1', 'key-2', 'key-3']);
    keys.used();
    expect(keys.for({ a: 1 })).toBe('key-4');
  });
});

describe('security group rules', () => {
  test('one port is a range of one; ICMP sends type and code; any sends none', () => {
    expect(ruleRequest({ ...blankRule, fromPort: '22' })).toMatchObject({ protocol: 'tcp', fromPort: 22, toPort: 22, cidr: '0.0.0.0/0', group: null });
    expect(ruleRequest({ ...blankRule, protocol: 'icmp', fromPort: '8' })).toMatchObject({ fromPort: 8, toPort: null });
    expect(ruleRequest({ ...blankRule, protocol: 'any', fromPort: '22' })).toMatchObject({ fromPort: null, toPort: null });
    expect(ruleRequest({ ...blankRule, peer: 'group', group: 'sg-1' })).toMatchObject({ cidr: null, group: 'sg-1' });
    expect(ruleRequest({ ...blankRule, peer: 'foreign', foreign: ' friend/clients ' })).toMatchObject({ cidr: null, group: 'friend/clients' });
    expect(ruleRequest({ ...blankRule, ...presets.ping6 })).toMatchObject({ protocol: 'icmp', fromPort: 128, cidr: '::/0' });
  });

  test('ports are in range and in order', () => {
    expect(checkRule({ ...blankRule, fromPort: '1', toPort: '65535' })).toEqual([]);
    expect(checkRule({ ...blankRule, fromPort: '2', toPort: '1' }).map((v) => v.field)).toEqual(['toPort']);
    expect(checkRule({ ...blankRule, fromPort: '', toPort: '1' }).map((v) => v.field)).toEqual(['fromPort']);
    expect(checkRule({ ...blankRule, fromPort: '0' }).map((v) => v.field)).toEqual(['fromPort']);
    expect(checkRule({ ...blankRule, peer: 'group' }).map((v) => v.field)).toEqual(['group']);
    expect(checkRule({ ...blankRule, peer: 'foreign' }).map((v) => v.field)).toEqual(['foreign']);
    expect(checkRule({ ...blankRule, cidr: '::/0' })).toEqual([]);
  });
});

describe('what an instance starts from', () => {
  const chosen = { ...blank, name: 'a', flavor: 'f', start: 'volume' as const, rootVolume: 'vol-1', diskGib: '40' };
  test('is one volume, without an image if it began as one', () => {
    expect(check(chosen, false)).toEqual([]);
    expect([check({ ...chosen, rootVolume: '' }, false), check(chosen, true), check({ ...chosen, count: '2' }, false)].map((all) => all.map((v) => v.field))).toEqual([['rootVolume'], ['image'], ['count']]);
    expect(toRequest({ ...chosen, image: 'img-1' }, false)).toMatchObject({ image: null, rootVolume: 'vol-1', diskGib: null });
    expect(toRequest({ ...chosen, image: 'img-1' }, true)).toMatchObject({ image: 'img-1', rootVolume: 'vol-1', diskGib: null });
  });
  test('is else a new one, as large as is said', () => {
    const fresh = { ...chosen, start: 'image' as const, image: 'img-1' };
    expect(toRequest(fresh, true)).toMatchObject({ image: 'img-1', rootVolume: null, diskGib: 40 });
    expect([check({ ...fresh, diskGib: '' }, false), check({ ...fresh, diskGib: '0' }, false).map((v) => v.field)]).toEqual([[], ['diskGib']]);
  });
});
