import { describe, expect, test } from 'vitest';
import type { Subnet, SwitchPort, VlanRange } from '../src/api/types';
import { textIn } from '../src/i18n/text';
import { blankNetwork, blankSubnet, checkNetwork, checkSubnet, networkField, networkRequest, proposedRange, subnetRequest, type NetworkValues } from '../src/networks/networks';
import { kindText, outsideText } from '../src/networks/segment';
import { checkSpace, spaceOf, spaceUpdate, wholeSpace } from '../src/networks/space';
import { checkPort, checkSwitch, portRequest, portRows, portsMark, portValues, settingText, switchRequest } from '../src/switches/switches';
import { device, httpsUrl, name, span, vlans } from '../src/ui/rules';

const t = textIn('en');
const fields = (violations: readonly { field: string }[]) => violations.map((v) => v.field);

describe('rules of segments', () => {
  test.each(['192.168.20.100', '192.168.20.100-192.168.20.199', 'fd00:1::5-fd00:1::9', '10.0.0.1-10.0.0.1'])('%s is a row of addresses', (text) => expect(span(text)).toBeNull());
  test.each(['', '10.0.0.0/24', '10.0.0.9-10.0.0.1', '10.0.0.1-fd00::1', '10.0.0.1-', '10.0.0.1-10.0.0.2-10.0.0.3', '-10.0.0.1'])('%j is none', (text) => expect(span(text)).not.toBeNull());
  test.each(['1', '4094', '100-199', '7-7'])('%s is a VLAN or a range', (text) => expect(vlans(text)).toBeNull());
  test.each(['', '0', '4095', '199-100', '1-', '-1', '1-2-3', '1,2', 'a'])('%j is none', (text) => expect(vlans(text)).not.toBeNull());
  test('devices, HTTPS URLs and ids', () => {
    expect(['br0', 'eth1.120', 'a-b_c'].map(device)).toEqual([null, null, null]);
    expect(['', '.', '..', 'br 0', 'x'.repeat(16), 'br/0'].filter((text) => device(text) === null)).toEqual([]);
    expect(['https://sw1.example/kumoi/', 'https://[fd00::1]:8443', 'https://sw1/a@b'].map(httpsUrl)).toEqual([null, null, null]);
    expect(['http://sw1/', 'https://', 'https://me:secret@sw1/', 'https://sw1/?a=b', 'https://sw1/#a', 'sw1'].filter((text) => httpsUrl(text) === null)).toEqual([]);
    expect(['sw-19a3f2b4c5d6e7f80', 'vlr-19a3f2b4c5d6e7f80'].map((text) => name(text)?.key)).toEqual(['rule.nameIsId', 'rule.nameIsId']);
  });
});

describe('bridged networks', () => {
  const range = { id: 'vlr-1', account: { id: 'a-1', name: 'acme' }, device: 'br0', firstVlan: 100, lastVlan: 199, createdAt: '' } satisfies VlanRange;
  const office: NetworkValues = {
    ...blankNetwork, kind: 'bridged', name: 'office', device: 'br0', vlan: '120', cidr: '192.168.20.0/24', cidr6: 'fd00:1::/64', gateway: '192.168.20.254', range: '192.168.20.100-192.168.20.199',
    reserved: '192.168.20.150\nfd00:1::5', isolated: true, dnsServers: '192.168.20.53',
  };

  test('are asked for by operators with any device, with or without a VLAN', () => {
    expect(checkNetwork(office, null)).toEqual([]);
    expect(networkRequest(office, null)).toEqual({
      name: 'office', segment: { device: 'br0', vlan: 120, dhcp: 'host' }, mtu: null, outside: null, searchDomains: null,
      subnets: [
        { name: null, cidr: '192.168.20.0/24', dnsServers: ['192.168.20.53'], gateway: '192.168.20.254', range: '192.168.20.100-192.168.20.199', reserved: ['192.168.20.150'], excluded: null },
        { name: null, cidr: 'fd00:1::/64', dnsServers: null, gateway: null, range: null, reserved: ['fd00:1::5'], excluded: null },
      ],
    });
    expect(networkRequest({ ...office, vlan: '' }, null).segment).toEqual({ device: 'br0', vlan: null, dhcp: 'host' });
    expect(fields(checkNetwork({ ...office, device: '', vlan: '4095' }, null))).toEqual(['device', 'vlan']);
  });

  test('are asked for by others in a VLAN that they were given', () => {
    const asked = { ...office, device: '', vlanRange: 'vlr-1' };
    expect(checkNetwork(asked, [range])).toEqual([]);
    expect(networkRequest(asked, [range]).segment).toEqual({ device: 'br0', vlan: 120, dhcp: 'host' });
    expect(checkNetwork({ ...asked, vlan: '200' }, [range])).toEqual([{ field: 'vlan', key: 'rule.between', values: { min: 100, max: 199 } }]);
    expect(fields(checkNetwork({ ...asked, vlan: '', vlanRange: '' }, [range]))).toEqual(['vlanRange', 'vlan']);
  });

  test('leave to a DHCP server of the segment what it tells', () => {
    const asked = networkRequest({ ...office, dhcp: 'external', searchDomains: 'lab.example' }, null);
    expect(asked).toMatchObject({ segment: { dhcp: 'external' }, searchDomains: null, subnets: [{ dnsServers: null }, { dnsServers: null }] });
  });

  test('errors find their fields', () => {
    expect(['segment.device', 'segment.vlan', 'segment.dhcp', 'subnets[0].gateway', 'subnets[1].range', 'subnets[0].reserved[0]', 'subnets[1].cidr', 'outside'].map((path) => networkField(path, office)))
      .toEqual(['device', 'vlan', 'dhcp', 'gateway', 'range', 'reserved', 'cidr6', 'outside']);
    expect(networkField('segment.device', { ...office, vlanRange: 'vlr-1' })).toBe('vlanRange');
  });

  test('nothing that was typed is left out in silence', () => {
    expect(fields(checkNetwork({ ...office, cidr6: '' }, null))).toEqual(['reserved']);
    expect(fields(checkNetwork({ ...office, gateway: '192.168.20.1, 192.168.20.2', range: '192.168.20.1 192.168.20.9', dnsServers: 'fd00::1' }, null))).toEqual(['gateway', 'range']);
    expect(fields(checkNetwork({ ...office, cidr6: '', reserved: '', dnsServers: 'fd00::1' }, null))).toEqual(['dnsServers']);
    // What belongs to the other kind is kept, and neither checked nor sent.
    const back: NetworkValues = { ...office, kind: 'private', device: 'no device', vlan: 'x' };
    expect(checkNetwork(back, null)).toEqual([]);
    expect(networkRequest(back, null)).toMatchObject({ segment: null, outside: 'none', subnets: [{ gateway: null }, { gateway: null }] });
  });

  test('the proposed range is for private networks, and what was typed stays', () => {
    expect([proposedRange(blankNetwork, 'bridged'), proposedRange(office, 'bridged'), proposedRange({ ...blankNetwork, cidr: '' }, 'private'), proposedRange(office, 'private')])
      .toEqual(['', '192.168.20.0/24', '10.0.0.0/24', '192.168.20.0/24']);
  });

  test('are told from isolated ones', () => {
    const on = (vlan: number | null) => ({ segment: { device: 'br0', vlan, dhcp: 'host' }, outside: 'none' });
    expect([kindText(t, on(120)), kindText(t, on(null)), kindText(t, { segment: null })]).toEqual(['Bridged: br0, VLAN 120', 'Bridged: br0, untagged', 'Private']);
    expect([outsideText(t, on(1)), outsideText(t, { segment: null, outside: 'none' }), outsideText(t, { outside: 'nat' })]).toEqual(['Segment’s router', 'Isolated', 'Shared by source NAT']);
  });
});

describe('what of a subnet is given out', () => {
  test('a subnet is made with it', () => {
    const asked = { ...blankSubnet, cidr: '10.3.0.0/24', range: '10.3.0.100-10.3.0.199', reserved: '10.3.0.150, 10.3.0.160-10.3.0.169' };
    expect(checkSubnet(asked)).toEqual([]);
    expect(subnetRequest('net-1', asked)).toEqual({
      network: 'net-1', name: null, cidr: '10.3.0.0/24', dnsServers: null, gateway: null, range: '10.3.0.100-10.3.0.199', reserved: ['10.3.0.150', '10.3.0.160-10.3.0.169'], excluded: null,
    });
    expect(fields(checkSubnet({ ...asked, gateway: 'x', range: 'fd00::1', excluded: '10.3.0' }))).toEqual(['gateway', 'range', 'excluded']);
  });

  test('a change says everything, so that what was emptied is empty', () => {
    const subnet = { cidr: '10.3.0.0/24', range: '10.3.0.100-10.3.0.199', reserved: ['10.3.0.150', '10.3.0.151'], excluded: null } as unknown as Subnet;
    expect(spaceUpdate(spaceOf(subnet))).toEqual({ range: '10.3.0.100-10.3.0.199', reserved: ['10.3.0.150', '10.3.0.151'], excluded: [] });
    expect(spaceUpdate(wholeSpace)).toEqual({ range: 'all', reserved: [], excluded: [] });
    expect(fields(checkSpace({ ...wholeSpace, excluded: Array.from({ length: 65 }, (_, n) => `10.3.0.${n + 1}`).join('\n') }, ['10.3.0.0/24']))).toEqual(['excluded']);
  });
});

describe('switches', () => {
  const wanted = (of: string, more: Partial<SwitchPort> = {}): SwitchPort => ({ name: of, mode: 'access', accessVlan: 120, trunkVlans: [], state: 'applied', checkedAt: null, problem: null, ...more });
  const seen = { ports: ['ge-0/0/10', 'ge-0/0/2'].map((of) => ({ name: of, mode: 'trunk', accessVlan: null, trunkVlans: ['7', '100-110'], wanted: null })) };

  test('need a name, an HTTPS URL and a token', () => {
    expect(fields(checkSwitch({ name: '', url: 'http://a/', token: '', authority: '' }))).toEqual(['name', 'url', 'token']);
    expect(fields(checkSwitch({ name: 'sw1', url: 'https://a/', token: 'a b', authority: '' }))).toEqual(['token']);
    expect(switchRequest({ name: 'sw1', url: 'https://a/', token: 'x', authority: ' \n' })).toEqual({ name: 'sw1', url: 'https://a/', token: 'x', authority: null, driver: null });
  });

  test('list what they tell of and what was set, as people count', () => {
    const rows = portRows([wanted('ge-0/0/2'), wanted('xe-9')], seen);
    expect(rows.map((r) => [r.id, r.now === null ? '-' : settingText(t, r.now), r.wanted === null ? '-' : settingText(t, r.wanted)]))
      .toEqual([['ge-0/0/2', 'Trunk 7, 100-110', 'Access 120'], ['ge-0/0/10', 'Trunk 7, 100-110', '-'], ['xe-9', '-', 'Access 120']]);
    expect(portRows([wanted('xe-9')], undefined).map((r) => r.id)).toEqual(['xe-9']);
  });

  test('are asked again when a port has become what is wanted', () => {
    const [before, after] = [wanted('a', { state: 'pending' }), wanted('a')];
    expect(portsMark({ ports: [before] })).not.toBe(portsMark({ ports: [after] }));
    expect(portsMark({ ports: [after] })).toBe(portsMark({ ports: [{ ...after, checkedAt: '2026-11-21T00:00:00Z' }] }));
  });

  test('a port is set from what it is, and only what goes with its mode is sent', () => {
    const [two, ten] = portRows([wanted('ge-0/0/2')], seen);
    expect(portValues(two)).toEqual({ name: 'ge-0/0/2', mode: 'access', accessVlan: '120', trunkVlans: '' });
    expect(portValues(ten)).toEqual({ name: 'ge-0/0/10', mode: 'trunk', accessVlan: '', trunkVlans: '7, 100-110' });
    expect(portValues(undefined)).toEqual({ name: '', mode: 'access', accessVlan: '', trunkVlans: '' });
    const typed = { name: 'ge-0/0/1', mode: 'trunk', accessVlan: '120', trunkVlans: '7, 100-110' };
    expect(portRequest(typed)).toEqual({ name: 'ge-0/0/1', mode: 'trunk', accessVlan: null, trunkVlans: ['7', '100-110'] });
    expect(portRequest({ ...typed, mode: 'access' })).toEqual({ name: 'ge-0/0/1', mode: 'access', accessVlan: 120, trunkVlans: null });
    expect(portRequest({ ...typed, mode: 'none' })).toEqual({ name: 'ge-0/0/1', mode: 'none', accessVlan: null, trunkVlans: null });
    expect([checkPort(typed), checkPort({ ...typed, trunkVlans: '' }), checkPort({ ...typed, trunkVlans: '7, 9-8' }), checkPort({ ...typed, name: '-a', mode: 'access', accessVlan: '0' })].map(fields))
      .toEqual([[], ['trunkVlans'], ['trunkVlans'], ['name', 'accessVlan']]);
  });
});
