import type { CreateMember } from '../api/types';
import { optional, violations, wholeNumber, type Violation } from '../ui/rules';
import { port } from './listener';

/** A member about to be added, as a form holds it. */
export interface MemberValues {
  /** Id of the interface; empty: not chosen. */
  readonly interface: string;
  /** Empty: the listener's. */
  readonly port: string;
  readonly weight: string;
}

export const blankMember: MemberValues = { interface: '', port: '', weight: '1' };

export const membersMax = 100;

export const weight = (text: string) => wholeNumber(text, 0, 256);

export function memberRequest(v: MemberValues): CreateMember {
  return { instance: null, interface: v.interface, port: v.port === '' ? null : Number(v.port), weight: Number(v.weight), listener: null };
}

/** Rows in which something was chosen or typed; a row left blank is none. */
export function filled(rows: readonly MemberValues[]): MemberValues[] {
  return rows.filter((row) => row.interface !== '' || row.port !== '' || row.weight !== blankMember.weight);
}

/** The name of a field of a row, and of the error that stands there. It has no dot: a member's port is not the listener's. */
export const rowField = (at: number, field: keyof MemberValues) => `members[${at}]-${field}`;

export function checkRows(rows: readonly MemberValues[]): Violation[] {
  return rows.flatMap((row, at) => (filled([row]).length === 0 ? [] : violations(
    [rowField(at, 'interface'), row.interface === '' ? { key: 'rule.choose' } : null], [rowField(at, 'port'), optional(row.port, port)], [rowField(at, 'weight'), weight(row.weight)])));
}

/** The row that an error of the server belongs to: rows left blank were not sent. */
export function memberField(path: string, rows: readonly MemberValues[]): string {
  const [, sent, field] = /^members\[(\d+)\](?:\.(\w+))?$/.exec(path) ?? [];
  if (sent === undefined) return path;
  const row = filled(rows)[Number(sent)];
  const at = row === undefined ? Number(sent) : rows.indexOf(row);
  return rowField(at, field === 'port' || field === 'weight' ? field : 'interface');
}
