import { describe, expect, test } from 'vitest';
import { extendTrail, startOfTrail } from '../src/api/pages';
import { fieldName } from '../src/api/problem';
import { staleAfter } from '../src/api/live';
import { waitMs } from '../src/api/stream';
import type { Event, Instance } from '../src/api/types';
import { readChanges } from '../src/events/events';
import { plainText } from '../src/instances/console/plainText';
import { canDo } from '../src/instances/instances';
import { checkSettings, settingsOf, settingsUpdate } from '../src/instances/settings';
import { lookOf } from '../src/instances/state';

describe('the trail of cursors', () => {
  test('grows by the next page and keeps the pages known', () => {
    const second = extendTrail(startOfTrail, 0, 'b');
    expect(second).toEqual([null, 'b']);
    expect(extendTrail(second, 0, 'b')).toBe(second);
    expect(extendTrail(second, 1, 'c')).toEqual([null, 'b', 'c']);
  });

  test('forgets what is beyond a page that changed or became the last', () => {
    expect(extendTrail([null, 'b', 'c'], 0, 'x')).toEqual([null, 'x']);
    expect(extendTrail([null, 'b', 'c'], 1, null)).toEqual([null, 'b']);
    expect(extendTrail(startOfTrail, 0, null)).toBe(startOfTrail);
  });
});

describe('states', () => {
  test('on the way turns, held up warns, unknown informs', () => {
    expect(['pending', 'running', 'stopped', 'terminated', 'new-word'].map((s) => lookOf(s, 0))).toEqual(['loading', 'success', 'stopped', 'not-started', 'info']);
    expect(lookOf('pending', 1)).toBe('warning');
  });

  test('actions fit the state', () => {
    const first = settingsOf({ flavor: { id: 'f-1', name: 'tiny' }, terminationProtection: false, metadataEndpoint: 'enabled', metadataTokens: 'optional', metadataHopLimit: 1, metadataTags: 'disabled' } as Instance);
    expect([checkSettings(first), checkSettings({ ...first, metadataHopLimit: '0' }).map((v) => v.field)]).toEqual([[], ['metadataHopLimit']]);
    expect(Object.values(settingsUpdate(first, first)).filter((v) => v !== null)).toEqual([]);
    expect(settingsUpdate({ ...first, metadata: 'required', metadataHopLimit: '2' }, first)).toMatchObject({ flavor: null, metadataEndpoint: 'enabled', metadataTokens: 'required', metadataHopLimit: 2, metadataTags: null });
    expect(settingsUpdate({ ...first, metadata: 'disabled', terminationProtection: true }, first)).toMatchObject({ metadataEndpoint: 'disabled', metadataTokens: null, terminationProtection: true });
    expect([canDo('start', { state: 'running' }), canDo('stop', { state: 'running' }), canDo('terminate', { state: 'terminated' })]).toEqual([false, true, false]);
  });
});

test('an event makes stale what shows its resource and what is counted from it', () => {
  const event = (type: string) => ({ resource: { type, id: 'x', name: 'x' } }) as Event;
  expect([...staleAfter([event('instance'), event('key-pair')])].sort()).toEqual(['events', 'floating-addresses', 'hosts', 'instances', 'interfaces', 'key-pairs', 'load-balancers', 'networks', 'placement-groups', 'port-forwards', 'quotas', 'routes', 'subnets', 'summary', 'volumes', 'vpns']);
  expect([...staleAfter([event('switch'), event('vlan-range')])].sort()).toEqual(['events', 'switches', 'vlan-ranges']);
  expect([...staleAfter([event('floating-address')])].sort()).toEqual(['address-pools', 'events', 'floating-addresses', 'instances', 'interfaces', 'load-balancers', 'networks', 'quotas', 'vpns']);
});

test('waits grow, are drawn, and have an end', () => {
  expect([waitMs(0, 1), waitMs(1, 1), waitMs(20, 1), waitMs(20, 0)]).toEqual([500, 1000, 30_000, 15_000]);
});

test('changes are read in the forms they come in', () => {
  const asked = { field: 'desired', before: 'running', after: 'stopped' };
  expect(readChanges({ desired: { before: 'running', after: 'stopped' } })).toEqual([asked]);
  expect(readChanges({ desired: ['running', 'stopped'] })).toEqual([asked]);
  expect(readChanges({ before: { desired: 'running' }, after: { desired: 'stopped' } })).toEqual([asked]);
  expect(readChanges({ desired: 'stopped' })).toEqual([{ field: 'desired', before: undefined, after: 'stopped' }]);
  expect(readChanges(null)).toEqual([]);
});

test('console output is shown without what only a terminal understands', () => {
  expect(plainText('\x1b[0;32m[  OK  ]\x1b[0m Started\r\n\x1b]0;title\x07login: \b')).toBe('[  OK  ] Started\nlogin: ');
});

test('fields are named as the forms name them', () => {
  expect(['$.name', 'name', '$.subnets[0].cidr', '/rules/0'].map(fieldName)).toEqual(['name', 'name', 'subnets[0].cidr', 'rules.0']);
});
