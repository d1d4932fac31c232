import { describe, expect, test } from 'vitest';
import { fill, languages } from '../src/i18n/messages';
import { catalogue } from '../src/i18n/catalogue';

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
const entries = Object.entries(catalogue);

describe('the message catalogue', () => {
  test.each(languages)('says something for every key in %s', (lang) => {
    expect(entries.filter(([, message]) => message[lang].trim() === '').map(([key]) => key)).toEqual([]);
  });

  test('has the same placeholders in every language', () => {
    expect(entries.filter(([, { en, ja }]) => placeholders(en).join() !== placeholders(ja).join()).map(([key]) => key)).toEqual([]);
  });

  test('has Japanese where English has words', () => {
    const alike = entries.filter(([, { en, ja }]) => en === ja).map(([key]) => key);
    expect(alike.sort()).toEqual([
      'image.deviceModel.virtio', 'image.firmware.bios', 'image.firmware.uefi', 'image.sha256', 'image.url', 'network.dhcp', 'network.mtu', 'network.vlan', 'securityGroup.preset.http', 'securityGroup.preset.https', 'securityGroup.preset.ping', 'securityGroup.preset.ping6', 'securityGroup.preset.ssh',
      'securityGroup.protocol.icmp', 'securityGroup.protocol.tcp', 'securityGroup.protocol.udp', 'shell.title', 'switch.url', 'ui.id', 'unit.GiB',
    ].sort());
  });

  test('no feature takes a key of another', async () => {
    const parts = Object.values(import.meta.glob<Record<string, Record<string, unknown>>>('../src/**/messages.ts', { eager: true })).flatMap((module) => Object.values(module)
      .filter((part) => typeof part === 'object' && !Array.isArray(part)));
    const keys = parts.flatMap((part) => Object.keys(part));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
    expect(keys.length).toBe(entries.length);
  });

  test('fills what is given and leaves the rest', () => {
    expect(fill('{a} of {b}', { a: 0 })).toBe('0 of {b}');
  });
});
