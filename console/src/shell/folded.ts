import { store } from '../ui/store';

const kept = 'kumoi.navigation.folded';

function read(): readonly string[] {
  try {
    const groups: unknown = JSON.parse(localStorage.getItem(kept) ?? '[]');
    return Array.isArray(groups) ? groups.filter((group) => typeof group === 'string') : [];
  } catch {
    return [];
  }
}

const inner = store<readonly string[]>(read());

/** The groups of the navigation that somebody has closed: remembered by the browser. */
export const folded = {
  ...inner,
  fold: (group: string, closed: boolean) => {
    const next = [...inner.get().filter((g) => g !== group), ...(closed ? [group] : [])];
    localStorage.setItem(kept, JSON.stringify(next));
    inner.set(next);
  },
};
