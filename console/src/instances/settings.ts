import type { Instance, UpdateInstance } from '../api/types';
import { violations, wholeNumber, type Violation } from '../ui/rules';

/** How the metadata service answers a guest: whoever asks, only with a token, or not at all. */
export const metadataWays = ['optional', 'required', 'disabled'] as const;

export interface InstanceSettings {
  readonly flavor: string;
  readonly terminationProtection: boolean;
  readonly metadata: string;
  readonly metadataHopLimit: string;
  readonly metadataTags: boolean;
}

export function settingsOf(i: Instance): InstanceSettings {
  return {
    flavor: i.flavor.id, terminationProtection: i.terminationProtection, metadata: i.metadataEndpoint === 'disabled' ? 'disabled' : i.metadataTokens, metadataHopLimit: String(i.metadataHopLimit), metadataTags: i.metadataTags === 'enabled',
  };
}

// The server's rule.
const hopsMax = 64;

export function checkSettings(v: InstanceSettings): Violation[] {
  return violations(['metadataHopLimit', wholeNumber(v.metadataHopLimit, 1, hopsMax)]);
}

/** Only what was changed is sent: somebody else may change the rest. */
export function settingsUpdate(v: InstanceSettings, first: InstanceSettings): UpdateInstance {
  const changed = <K extends keyof InstanceSettings>(field: K) => v[field] !== first[field];
  return {
    flavor: changed('flavor') ? v.flavor : null, terminationProtection: changed('terminationProtection') ? v.terminationProtection : null, tags: null,
    metadataEndpoint: changed('metadata') ? (v.metadata === 'disabled' ? 'disabled' : 'enabled') : null, metadataTokens: changed('metadata') && v.metadata !== 'disabled' ? v.metadata : null,
    metadataHopLimit: changed('metadataHopLimit') ? Number(v.metadataHopLimit) : null, metadataTags: changed('metadataTags') ? (v.metadataTags ? 'enabled' : 'disabled') : null,
  };
}
