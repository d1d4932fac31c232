import type { InterfaceTraffic, TrafficHour } from '../api/types';

const hourMs = 3_600_000;
const hoursShown = 24;

export type Amounts = Omit<TrafficHour, 'hour'>;

const nothing: Amounts = { bytesSent: 0, bytesReceived: 0, packetsSent: 0, packetsReceived: 0 };

/** The last 24 hours, the earliest first; hours in which nothing passed are not told, and are here with zeroes. */
export function lastDay(traffic: Pick<InterfaceTraffic, 'hours'>, now: number): TrafficHour[] {
  const told = new Map(traffic.hours.map((h) => [Date.parse(h.hour), h]));
  const present = Math.floor(now / hourMs) * hourMs;
  return Array.from({ length: hoursShown }, (_, at) => {
    const hour = present - (hoursShown - 1 - at) * hourMs;
    return { ...nothing, ...told.get(hour), hour: new Date(hour).toISOString() };
  });
}

export function sumOf(hours: readonly Amounts[]): Amounts {
  return hours.reduce<Amounts>((sum, h) => ({
    bytesSent: sum.bytesSent + h.bytesSent, bytesReceived: sum.bytesReceived + h.bytesReceived, packetsSent: sum.packetsSent + h.packetsSent, packetsReceived: sum.packetsReceived + h.packetsReceived,
  }), nothing);
}
