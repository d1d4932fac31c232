import { applyMode, Mode } from '@cloudscape-design/global-styles';
import { store } from '../ui/store';

export const modes = ['system', 'light', 'dark'] as const;
export type ColourMode = (typeof modes)[number];

const remembered = 'kumoi.mode';
const system = window.matchMedia('(prefers-color-scheme: dark)');

export const mode = store<ColourMode>(modes.find((m) => m === localStorage.getItem(remembered)) ?? 'system');

/** True if the page is dark now, by choice or as the system says. */
export const dark = store(false);

function apply(): void {
  const chosen = mode.get();
  const now = chosen === 'dark' || (chosen === 'system' && system.matches);
  applyMode(now ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = now ? 'dark' : 'light';
  dark.set(now);
}

export function setMode(next: ColourMode): void {
  localStorage.setItem(remembered, next);
  mode.set(next);
  apply();
}

system.addEventListener('change', apply);
apply();
