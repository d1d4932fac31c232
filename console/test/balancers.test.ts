import { describe, expect, test } from 'vitest';
import type { LoadBalancerListener } from '../src/api/types';
import { association, leadsTo, targetOf } from '../src/floating-addresses/floatingAddresses';
import { lastDay, sumOf } from '../src/interfaces/traffic';
import { balancerField, balancerRequest, blankBalancer, checkBalancer } from '../src/load-balancers/create';
import { blankListener, checkListener, followProtocol, listenerField, listenerRequest, valuesOf } from '../src/load-balancers/listener';
import { healthOf } from '../src/load-balancers/loadBalancers';
import { blankMember, checkRows, filled, memberField } from '../src/load-balancers/member';
import { blankSite, endpoint, holdsKeys, isConnected, profileFile, siteRequest, wireGuardKey } from '../src/vpns/vpns';

describe('load balancers', () => {
  const row = (face: string, port = '', weight = '1') => ({ interface: face, port, weight });

  test('tell every field that is missing, and send what was chosen', () => {
    expect(checkBalancer({ ...blankBalancer, port: '0' }).map((v) => v.field)).toEqual(['name', 'network', 'port']);
    const asked = { ...blankBalancer, name: 'lb1', network: 'net-1', members: [blankMember, row('eni-1'), row('eni-2', '8080', '5')] };
    expect(checkBalancer(asked)).toEqual([]);
    expect(balancerRequest(asked)).toMatchObject({
      name: 'lb1', network: 'net-1', address: null, description: null, listeners: [{ protocol: 'tcp', port: 80, stickiness: 'none', certificate: null, healthCheck: { protocol: 'tcp', path: null, port: 0 } }],
      members: [{ instance: null, interface: 'eni-1', port: null, weight: 1 }, { instance: null, interface: 'eni-2', port: 8080, weight: 5 }],
    });
  });

  test('errors of the server find their fields, although ports are in three places', () => {
    const asked = { ...blankBalancer, members: [blankMember, row('eni-1')] };
    expect(['listeners[0].port', 'listeners[0].healthCheck.port', 'listeners[0].healthCheck.path', 'listeners[0].stickiness', 'members[0].port', 'members[0].interface', 'members[0]', 'name'].map((path) => balancerField(path, asked)))
      .toEqual(['port', 'checkPort', 'checkPath', 'cookie', 'members[1]-port', 'members[1]-interface', 'members[1]-interface', 'name']);
    expect(listenerField('healthCheck.timeoutSeconds')).toBe('timeout');
    expect(memberField('name', [])).toBe('name');
  });

  test('rows left empty are no members; half a row is a mistake', () => {
    expect(filled([blankMember, row('eni-1'), row('', '80')])).toHaveLength(2);
    expect(checkRows([blankMember, row('eni-1', '70000', '257'), row('', '80')]).map((v) => v.field)).toEqual(['members[1]-port', 'members[1]-weight', 'members[2]-interface']);
  });

  test('a listener that ends TLS needs a certificate and its key, unless it has them', () => {
    const tls = { ...blankListener, protocol: 'https' };
    expect(checkListener(tls, false).map((v) => v.field)).toEqual(['certificate', 'privateKey']);
    expect(checkListener(tls, true)).toEqual([]);
    expect(checkListener({ ...tls, certificate: 'new' }, true).map((v) => v.field)).toEqual(['privateKey']);
    expect(listenerRequest(tls)).toMatchObject({ certificate: null, privateKey: null });
    expect(checkListener({ ...blankListener, timeout: '6', checkPort: 'x', rise: '0', checkProtocol: 'none' }, false)).toEqual([]);
    expect(checkListener({ ...blankListener, timeout: '6', checkProtocol: 'http', checkPath: 'health' }, false).map((v) => v.field)).toEqual(['checkPath', 'timeout']);
  });

  test('what a protocol does not have is off', () => {
    expect(listenerRequest({ ...blankListener, protocol: 'udp', cookie: true, proxyProtocol: true, certificate: 'left' })).toMatchObject({ stickiness: 'none', proxyProtocol: false, certificate: null });
    expect(followProtocol({ ...blankListener, algorithm: 'least-connections' }, 'udp')).toEqual({ protocol: 'udp', port: '53', algorithm: 'round-robin', checkProtocol: 'none' });
    expect(followProtocol({ ...blankListener, port: '8443' }, 'https')).toEqual({ protocol: 'https' });
  });

  test('a listener that is there fills the form as it is', () => {
    const there = { protocol: 'http', port: 80, algorithm: 'source', stickiness: 'cookie', proxyProtocol: true, idleSeconds: 60, healthCheck: { protocol: 'http', path: '/up', port: 81, intervalSeconds: 9, timeoutSeconds: 4, rise: 3, fall: 1 } };
    expect(listenerRequest(valuesOf(there as LoadBalancerListener))).toEqual({ ...there, certificate: null, privateKey: null });
  });

  test('the worst that is known of members is what the list shows', () => {
    const look = (...health: string[]) => healthOf(health.map((h) => ({ health: h }))).look;
    expect([look(), look('healthy', 'healthy'), look('healthy', 'unhealthy'), look('mixed'), look('unhealthy'), look('unknown'), look('unknown', 'healthy')])
      .toEqual(['stopped', 'success', 'warning', 'warning', 'error', 'pending', 'warning']);
  });
});

test('a floating address leads to an interface or a load balancer', () => {
  const balancer = { id: 'lb-1', name: 'lb1' };
  expect(association('lb-1', true)).toEqual({ instance: null, interface: null, loadBalancer: 'lb-1', move: true });
  expect(association('eni-1', false)).toEqual({ instance: null, interface: 'eni-1', loadBalancer: null, move: null });
  expect(targetOf({ instance: null, loadBalancer: balancer })).toBe(balancer);
  expect([leadsTo({ interface: null, loadBalancer: balancer }, 'lb-1'), leadsTo({ interface: 'eni-1', loadBalancer: null }, 'lb-1')]).toEqual([true, false]);
});

describe('VPN gateways', () => {
  const key = '9yjRYTBtVssgAJaV0ck7/UuCv6olq8FbQpZKVHm+Gyo=';

  test('keys and endpoints have the form that WireGuard has', () => {
    expect([wireGuardKey(key), wireGuardKey(` ${key}\n`), endpoint('198.51.100.7:51820')]).toEqual([null, null, null]);
    expect([key.slice(1), `${key}=`, '', 'ssh-ed25519 AAAA'].filter((text) => wireGuardKey(text) === null)).toEqual([]);
    expect(['vpn.example:51820', '198.51.100.7', '198.51.100.7:0', '[fd00::1]:51820'].filter((text) => endpoint(text) === null)).toEqual([]);
  });

  test('what is asked of a site follows the choices', () => {
    expect(siteRequest({ ...blankSite, name: 'osaka', ranges: '192.168.10.0/24, 192.168.11.0/24', publicKey: 'left' }))
      .toEqual({ name: 'osaka', publicKey: null, ranges: ['192.168.10.0/24', '192.168.11.0/24'], endpoint: null, presharedKey: 'generate' });
    expect(siteRequest({ ...blankSite, how: 'own', publicKey: ` ${key}`, preshared: 'none', endpoint: '198.51.100.7:51820 ' })).toMatchObject({ publicKey: key, endpoint: '198.51.100.7:51820', presharedKey: null });
  });

  test('only a profile with keys is shown once, and its file has a name that wg-quick takes', () => {
    expect([holdsKeys('[Interface]\nPrivateKey = x\n'), holdsKeys('[Peer]\nPresharedKey = x\n'), holdsKeys('[Interface]\n# PrivateKey = not here\n')]).toEqual([true, true, false]);
    expect(['laptop', 'my laptop', '田中のパソコン', '../../etc/passwd', 'a-very-long-name-of-a-device'].map(profileFile)).toEqual(['laptop.conf', 'my-laptop.conf', 'kumoi.conf', 'etc-passwd.conf', 'a-very-long-nam.conf']);
  });

  test('who was heard within three minutes is connected', () => {
    const now = Date.parse('2026-11-21T12:00:00Z');
    expect(['2026-11-21T11:58:00Z', '2026-11-21T11:57:00Z', null].map((at) => isConnected(at, now))).toEqual([true, false, false]);
  });
});

test('the last day of traffic has 24 hours, also those in which nothing passed', () => {
  const hour = { bytesSent: 10, bytesReceived: 20, packetsSent: 1, packetsReceived: 2 };
  const day = lastDay({ hours: [{ hour: '2026-11-21T12:00:00+00:00', ...hour }, { hour: '2026-11-20T13:00:00Z', ...hour }, { hour: '2026-11-20T12:00:00Z', ...hour }] }, Date.parse('2026-11-21T12:34:56Z'));
  expect(day).toHaveLength(24);
  expect([day[0]?.hour, day[23]?.hour]).toEqual(['2026-11-20T13:00:00.000Z', '2026-11-21T12:00:00.000Z']);
  expect(sumOf(day)).toEqual({ bytesSent: 20, bytesReceived: 40, packetsSent: 2, packetsReceived: 4 });
});
