import { answer, api } from '../api/client';
import type { AssignTariff, CreateTariff, EndTariffPrice, SetTariffPrice, TariffPrice } from '../api/types';
import { name, optional, required, violations, type Broken, type Violation } from '../ui/rules';

const at = (id: string) => ({ params: { path: { tariff: id } } });

export const tariffs = {
  key: 'tariffs',
  list: () => answer(api.GET('/api/v1/tariffs', {})),
  current: () => answer(api.GET('/api/v1/tariffs/current', {})),
  get: (id: string) => answer(api.GET('/api/v1/tariffs/{tariff}', at(id))),
  create: (body: CreateTariff) => answer(api.POST('/api/v1/tariffs', { body })),
  remove: (id: string) => answer(api.DELETE('/api/v1/tariffs/{tariff}', at(id))),
  setPrice: (id: string, body: SetTariffPrice) => answer(api.POST('/api/v1/tariffs/{tariff}/prices', { ...at(id), body })),
  endPrice: (id: string, price: string, body: EndTariffPrice) => answer(api.POST('/api/v1/tariffs/{tariff}/prices/{price}/end', { params: { path: { tariff: id, price } }, body })),
  assign: (id: string, body: AssignTariff) => answer(api.POST('/api/v1/tariffs/{tariff}/assign', { ...at(id), body })),
};

/** What shows something of tariffs. */
export const staleWithTariffs = ['tariffs', 'statements'] as const;

export const roundings = ['half-up', 'down'] as const;

export interface TariffValues {
  readonly name: string;
  readonly description: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly taxPercent: string;
  readonly rounding: string;
}

/** A new tariff, in the time zone of whoever makes it. */
export function noTariff(timeZone: string): TariffValues {
  return { name: '', description: '', currency: 'JPY', timeZone, taxPercent: '0', rounding: 'half-up' };
}

// The server's rules.
const descriptionMax = 255;

/** A number that is not negative, as people type it. */
function amount(text: string, key: 'tariff.priceWrong' | 'tariff.taxWrong', max: number): Broken {
  return /^\d{1,12}(\.\d{1,9})?$/.test(text) && Number(text) <= max ? null : { key };
}

export function checkTariff(v: TariffValues): Violation[] {
  return violations(
    ['name', name(v.name)], ['description', v.description.length > descriptionMax ? { key: 'rule.tooLong', values: { max: descriptionMax } } : null], ['currency', /^[A-Z]{3}$/.test(v.currency) ? null : { key: 'tariff.currencyWrong' }],
    ['timeZone', required(v.timeZone)], ['taxPercent', amount(v.taxPercent, 'tariff.taxWrong', 100)]);
}

export function tariffOf(v: TariffValues): CreateTariff {
  return { name: v.name, description: v.description === '' ? null : v.description, currency: v.currency, timeZone: v.timeZone.trim(), taxPercent: Number(v.taxPercent), rounding: v.rounding };
}

export interface PriceValues {
  readonly meter: string;
  readonly attribute: string;
  readonly price: string;
  readonly included: string;
  /** A local time without a zone (`2026-12-01T00:00`), or empty. */
  readonly validFrom: string;
}

/** A local time as the API takes it; null for none. */
export function timeOf(local: string): string | null {
  return local === '' ? null : new Date(local).toISOString();
}

/** A local time is the begin of an hour. Of UTC's, too: that zones are apart by whole hours is a rule of the server, which looks again. */
export function wholeHour(local: string): Broken {
  return Number.isNaN(Date.parse(local)) || !/T\d\d:00(:00)?$/.test(local) ? { key: 'tariff.hourWrong' } : null;
}

export function checkPrice(v: PriceValues): Violation[] {
  return violations(
    ['attribute', optional(v.attribute, name)], ['price', amount(v.price, 'tariff.priceWrong', 1e9)], ['included', optional(v.included, (text) => amount(text, 'tariff.priceWrong', 1e12))], ['validFrom', optional(v.validFrom, wholeHour)]);
}

export function priceOf(v: PriceValues): SetTariffPrice {
  return { meter: v.meter, attribute: v.attribute === '' ? null : v.attribute, price: Number(v.price), included: v.included === '' ? null : Number(v.included), validFrom: timeOf(v.validFrom) };
}

export function isOver({ validUntil }: Pick<TariffPrice, 'validUntil'>, now: number): boolean {
  return validUntil !== null && Date.parse(validUntil) <= now;
}

export type Scope = 'cloud' | 'domain' | 'account';
export const scopes: readonly Scope[] = ['cloud', 'domain', 'account'];

export interface AssignValues {
  readonly scope: Scope;
  readonly account: string;
  readonly domain: string;
  readonly month: string;
}

export function checkAssign(v: AssignValues): Violation[] {
  const choose = { key: 'rule.choose' } as const;
  return violations(['account', v.scope === 'account' && v.account === '' ? choose : null], ['domain', v.scope === 'domain' && v.domain === '' ? choose : null]);
}

export function assignOf(v: AssignValues): AssignTariff {
  return { account: v.scope === 'account' ? v.account : null, domain: v.scope === 'domain' ? v.domain : null, month: v.month };
}

/** The month that holds a time of UTC, and those after it. A tariff may be given from the month before on, if that is not issued yet. */
export function monthsAround(now: number, count: number): string[] {
  const date = new Date(now);
  return Array.from({ length: count }, (_, at) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1 + at, 1)).toISOString().slice(0, 7));
}
