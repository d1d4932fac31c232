import { useMemo } from 'react';
import { useStore } from '../ui/store';
import { language } from './language';
import type { Language } from './messages';

export interface Format {
  number(value: number): string;
  dateTime(iso: string): string;
  date(iso: string): string;
  time(iso: string): string;
  /** The hour of the day, to the minute. */
  hour(iso: string): string;
  /** Distance from now in words: "in 12 seconds", "3 分前". */
  fromNow(iso: string, now?: number): string;
  /** A length of time in the largest unit that it is whole in: "6 hours", "14 日". */
  duration(minutes: number): string;
  mib(value: number): string;
  gib(value: number): string;
  bytes(value: number): string;
  percent(part: number, whole: number): string;
  /** An amount that was counted, with all that is known of its parts. */
  quantity(value: number): string;
  /** A sum, with as many places as the currency has. */
  money(value: number, currency: string): string;
  /** What one unit costs, which may be less than the currency's smallest part. */
  price(value: number, currency: string): string;
  /** A day of UTC. */
  day(iso: string): string;
  /** The same in few letters, without the year. */
  dayShort(iso: string): string;
  /** A date as it is in a time zone. */
  dateIn(iso: string, timeZone: string): string;
  /** `2026-11` in words. */
  month(month: string): string;
}

const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];

export function formatIn(lang: Language): Format {
  const locale = lang === 'ja' ? 'ja-JP' : navigatorLocale();
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const hour = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' });
  const long = (value: number, unit: 'day' | 'hour' | 'minute') => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
  const quantity = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const dayShort = new Intl.DateTimeFormat(locale, { month: 'numeric', day: 'numeric', timeZone: 'UTC' });
  const month = new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'long', timeZone: 'UTC' });
  const percent = new Intl.NumberFormat(locale, { style: 'percent' });
  const scaled = (value: number, units: readonly string[]) => {
    let at = 0;
    while (value >= 1024 && at < units.length - 1) [value, at] = [value / 1024, at + 1];
    return `${number.format(value)} ${units[at] ?? ''}`;
  };
  return {
    number: (value) => number.format(value),
    dateTime: (iso) => dateTime.format(new Date(iso)),
    date: (iso) => date.format(new Date(iso)),
    hour: (iso) => hour.format(new Date(iso)),
    time: (iso) => time.format(new Date(iso)),
    fromNow: (iso, now = Date.now()) => {
      const seconds = Math.round((Date.parse(iso) - now) / 1000);
      const [unit, size] = steps.find(([, s]) => Math.abs(seconds) >= s) ?? ['second' as const, 1];
      return relative.format(Math.trunc(seconds / size), unit);
    },
    duration: (minutes) => (minutes % 1440 === 0 ? long(minutes / 1440, 'day') : minutes % 60 === 0 ? long(minutes / 60, 'hour') : long(minutes, 'minute')),
    mib: (value) => scaled(value, ['MiB', 'GiB', 'TiB']),
    gib: (value) => scaled(value, ['GiB', 'TiB', 'PiB']),
    bytes: (value) => scaled(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB']),
    percent: (part, whole) => percent.format(whole > 0 ? part / whole : 0),
    quantity: (value) => quantity.format(value),
    money: (value, currency) => new Intl.NumberFormat(locale, { style: 'currency', currency }).format(value),
    price: (value, currency) => new Intl.NumberFormat(locale, { style: 'currency', currency, maximumFractionDigits: 10 }).format(value),
    day: (iso) => day.format(new Date(iso)),
    dayShort: (iso) => dayShort.format(new Date(iso)),
    dateIn: (iso, timeZone) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone }).format(new Date(iso)),
    month: (text) => month.format(new Date(`${text}-01T00:00:00Z`)),
  };
}

function navigatorLocale(): string {
  return navigator.languages.find((l) => l.toLowerCase().startsWith('en')) ?? 'en';
}

export function useFormat(): Format {
  const lang = useStore(language);
  return useMemo(() => formatIn(lang), [lang]);
}
