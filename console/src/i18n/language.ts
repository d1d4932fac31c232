import { store } from '../ui/store';
import { languages, type Language } from './messages';

const remembered = 'kumoi.language';

function first(): Language {
  const kept = localStorage.getItem(remembered);
  const wanted = [kept, ...navigator.languages].filter((l) => l !== null);
  return languages.find((l) => l === kept) ?? (wanted.map((l) => languages.find((k) => l.toLowerCase().startsWith(k))).find((l) => l) ?? 'en');
}

export const language = store<Language>(first());

export function setLanguage(next: Language): void {
  localStorage.setItem(remembered, next);
  language.set(next);
}
