import { useFormat } from '../i18n/format';

/** Amounts of a countable thing, in its unit. */
export function useAmount(): (resource: string, amount: number) => string {
  const format = useFormat();
  return (resource, amount) => (resource === 'memory-mib' ? format.mib(amount) : resource === 'volume-gib' ? format.gib(amount) : format.number(amount));
}
