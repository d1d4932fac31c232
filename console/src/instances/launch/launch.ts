import type { LaunchInstance } from '../../api/types';
import { sizeMaxGib } from '../../volumes/volumes';
import { checkTags, tagsOf, type Tag } from '../../ui/tags';
import { address, atMostBytes, name, optional, violations, wholeNumber, type Violation } from '../../ui/rules';

export interface InterfaceValues {
  /** Empty: the account's default. */
  readonly network: string;
  /** Empty: the next free one. */
  readonly address: string;
  readonly address6: string;
}

export const blankInterface: InterfaceValues = { network: '', address: '', address6: '' };
export const interfacesMax = 8;

/** The network that every account begins with. */
const defaultNetwork = 'default';

export interface LaunchValues {
  readonly name: string;
  /** What it starts from: a new volume that begins as an image, or one that is there. */
  readonly start: 'image' | 'volume';
  readonly image: string;
  readonly rootVolume: string;
  /** Of the new volume; empty: as large as the flavor says. */
  readonly diskGib: string;
  readonly flavor: string;
  /** Empty: without one. */
  readonly keyPair: string;
  readonly interfaces: readonly InterfaceValues[];
  /** Whether the first interface gets a floating address, where it can have one. */
  readonly floating: boolean;
  readonly securityGroups: readonly string[];
  readonly userData: string;
  readonly count: string;
  /** Empty: any. */
  readonly zone: string;
  /** Empty: none. */
  readonly placementGroup: string;
  /** Empty: any that the account may use. */
  readonly hostPool: string;
  /** Labels that its host must have, with these values. */
  readonly requiredLabels: readonly Tag[];
}

export const blank: LaunchValues = { name: '', start: 'image', image: '', rootVolume: '', diskGib: '', flavor: '', keyPair: '', interfaces: [blankInterface], floating: true, securityGroups: [], userData: '', count: '1', zone: '', placementGroup: '', hostPool: '', requiredLabels: [] };

const userDataBytesMax = 64 * 1024;
const countMax = 100;

/** Of the volume that it is to start from there is known whether an image is to tell the machine. */
export function check(v: LaunchValues, volumeNeedsImage: boolean): Violation[] {
  const chosen = (id: string) => (id === '' ? { key: 'rule.choose' as const } : null);
  const fromVolume = v.start === 'volume';
  return [...checkTags(v.requiredLabels, 'requiredLabels'), ...violations(
    ['name', name(v.name)], ['image', fromVolume && !volumeNeedsImage ? null : chosen(v.image)], ['rootVolume', fromVolume ? chosen(v.rootVolume) : null], ['diskGib', fromVolume ? null : optional(v.diskGib, (text) => wholeNumber(text, 1, sizeMaxGib))], ['flavor', chosen(v.flavor)], ['userData', atMostBytes(v.userData, userDataBytesMax)],
    ['count', fromVolume && v.count !== '1' ? { key: 'launch.oneOfVolume' } : wholeNumber(v.count, 1, countMax)],
    ...v.interfaces.flatMap((f, at) => (['address', 'address6'] as const).map((field) => [`interfaces[${at}].${field}`, optional(f[field], address)] as const)))];
}

/** What is sent: a choice not made is left to the server. */
export function toRequest(v: LaunchValues, volumeNeedsImage: boolean): LaunchInstance {
  const given = (text: string) => (text === '' ? null : text);
  const [only] = v.interfaces;
  const fromVolume = v.start === 'volume';
  const plain = v.interfaces.length === 1 && only?.address === '' && only.address6 === '';
  return {
    name: v.name, flavor: v.flavor, image: fromVolume && !volumeNeedsImage ? null : v.image, rootVolume: fromVolume ? v.rootVolume : null, diskGib: fromVolume || v.diskGib === '' ? null : Number(v.diskGib), keyPair: given(v.keyPair), network: plain ? given(only.network) : null, floating: v.floating ? null : false, zone: given(v.zone), placementGroup: given(v.placementGroup), hostPool: given(v.hostPool), requiredLabels: tagsOf(v.requiredLabels), userData: given(v.userData),
    securityGroups: v.securityGroups.length === 0 ? null : [...v.securityGroups], count: v.count === '1' ? null : Number(v.count),
    interfaces: plain ? null : v.interfaces.map((f) => ({ network: f.network === '' ? defaultNetwork : f.network, subnet: null, address: given(f.address), address6: given(f.address6), securityGroups: null })),
  };
}

/**
 * Keys for repeats of a create: the same request gets the same key, so that sending it again (a double click, a lost answer) makes
 * nothing twice; another request gets another.
 */
export function idempotencyKeys(make: () => string): { for(request: unknown): string; used(): void } {
  let last = { request: '', key: '' };
  return {
    for: (request) => {
      const text = JSON.stringify(request);
      if (last.request !== text) last = { request: text, key: make() };
      return last.key;
    },
    used: () => { last = { request: '', key: '' }; },
  };
}

/** Unguessable, and made of what a page without HTTPS may use too. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
}
