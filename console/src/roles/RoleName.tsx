import type { ReactNode } from 'react';
import { useText } from '../i18n/text';

/** The name of a role: those that every cloud has are said in the chosen language. */
export function RoleName({ name }: { name: string }): ReactNode {
  const t = useText();
  return name === '' ? '-' : t.word('role.name', name);
}
