import type { Language } from '../i18n/messages';

/** Each language by the name that its speakers know. */
export const languageNames: Readonly<Record<Language, string>> = { en: 'English', ja: '日本語' };
