import type { TariffAssignment } from '../api/types';
import type { Text } from '../i18n/text';

/** Who has a tariff, in words. */
export function scopeText(t: Text, { scopeType, scope }: Pick<TariffAssignment, 'scopeType' | 'scope'>): string {
  if (scope === null) return t('tariff.scope.cloud');
  return scopeType === 'domain' ? t('role.ofDomain', { name: scope.name }) : t('role.ofAccount', { name: scope.name });
}
