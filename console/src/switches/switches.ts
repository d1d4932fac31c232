import { answer, api } from '../api/client';
import type { CreateSwitch, SeenSwitch, SetSwitchPort, Switch, SwitchPort } from '../api/types';
import type { Text } from '../i18n/text';
import { each, httpsUrl, listed, name, required, violations, vlan, vlans, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { switch: id } } });

export const switches = {
  key: 'switches',
  list: (query: { limit: number; cursor?: string }) => answer(api.GET('/api/v1/switches', { params: { query } })),
  get: (id: string) => answer(api.GET('/api/v1/switches/{switch}', at(id))),
  create: (body: CreateSwitch) => answer(api.POST('/api/v1/switches', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/switches/{switch}', at(id))),
  /** Asks the switch itself, which takes seconds and may fail. */
  ports: (id: string) => answer(api.GET('/api/v1/switches/{switch}/ports', at(id))),
  setPort: (id: string, body: SetSwitchPort) => answer(api.PUT('/api/v1/switches/{switch}/ports', { ...at(id), body })),
};

const tokenMax = 4096;
const portNameMax = 64;
const trunkMax = 256;

export interface SwitchValues {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly authority: string;
}

export function checkSwitch(v: SwitchValues): Violation[] {
  const visible = /^[\x21-\x7e]+$/.test(v.token) && v.token.length <= tokenMax;
  return violations(['name', name(v.name)], ['url', httpsUrl(v.url)], ['token', required(v.token) ?? (visible ? null : { key: 'switch.tokenForm', values: { max: tokenMax } })]);
}

export function switchRequest(v: SwitchValues): CreateSwitch {
  return { name: v.name, url: v.url, token: v.token, authority: v.authority.trim() === '' ? null : v.authority, driver: null };
}

/** What a port carries, as the switch says or as it is wanted. */
export type Setting = Pick<SwitchPort, 'mode' | 'accessVlan' | 'trunkVlans'>;

export interface PortRow {
  /** A port is known by its name. */
  readonly id: string;
  /** Null if the switch did not say. */
  readonly now: Setting | null;
  /** Null if nobody has asked anything of it. */
  readonly wanted: SwitchPort | null;
}

/** Every port that the switch tells of, and those that were set and of which it tells nothing, in the order in which people count. */
export function portRows(wanted: readonly SwitchPort[], seen: SeenSwitch | undefined): PortRow[] {
  const names = new Set([...(seen?.ports ?? []), ...wanted].map((port) => port.name));
  return [...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((id) => ({ id, now: seen?.ports.find((p) => p.name === id) ?? null, wanted: wanted.find((p) => p.name === id) ?? null }));
}

export function settingText(t: Text, { mode, accessVlan, trunkVlans }: Setting): string {
  if (mode === 'access') return t('switch.portAccess', { vlan: accessVlan ?? '' });
  return mode === 'trunk' ? t('switch.portTrunk', { vlans: trunkVlans.join(', ') }) : t('switch.portClear');
}

/** Changes whenever the switch is worth asking again: a port has become what is wanted, or is wanted otherwise. */
export function portsMark(one: Pick<Switch, 'ports'>): string {
  return one.ports.map((p) => [p.name, p.state, p.mode, p.accessVlan, ...p.trunkVlans].join(' ')).join('\n');
}

export interface PortValues {
  readonly name: string;
  readonly mode: string;
  readonly accessVlan: string;
  readonly trunkVlans: string;
}

/** What is set now is where a change begins; a port that is in no VLAN is likely to get one. */
export function portValues(row: PortRow | undefined): PortValues {
  const setting = row?.wanted ?? row?.now;
  return { name: row?.id ?? '', mode: row?.wanted?.mode ?? (setting?.mode === 'trunk' ? 'trunk' : 'access'), accessVlan: String(setting?.accessVlan ?? ''), trunkVlans: setting?.trunkVlans.join(', ') ?? '' };
}

export function checkPort(v: PortValues): Violation[] {
  const named = v.name.length <= portNameMax && /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/.test(v.name);
  const most = listed(v.trunkVlans).length > trunkMax ? ({ key: 'switch.trunkMost', values: { max: trunkMax } } as const) : null;
  return violations(
    ['name', named ? null : { key: 'switch.portNameForm', values: { max: portNameMax } }], ['accessVlan', v.mode === 'access' ? vlan(v.accessVlan) : null],
    ['trunkVlans', v.mode === 'trunk' ? required(v.trunkVlans) ?? most ?? each(v.trunkVlans, vlans) : null]);
}

export function portRequest(v: PortValues): SetSwitchPort {
  return { name: v.name, mode: v.mode, accessVlan: v.mode === 'access' ? Number(v.accessVlan) : null, trunkVlans: v.mode === 'trunk' ? listed(v.trunkVlans) : null };
}
