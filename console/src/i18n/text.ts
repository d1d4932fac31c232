import { useMemo } from 'react';
import { useStore } from '../ui/store';
import { catalogue, type Arguments, type MessageKey, type Saying } from './catalogue';
import { language } from './language';
import { fill, type Language } from './messages';

export interface Text {
  <K extends MessageKey>(key: K, ...values: Arguments<K>): string;
  /** Says a message chosen at run time. */
  say(saying: Saying): string;
  /** The text of a word that the server chose (a state, a role); the word itself if the console does not know it yet. */
  word(prefix: string, word: string): string;
}

export function textIn(lang: Language): Text {
  const say = ({ key, values }: Saying) => fill(catalogue[key][lang], values ?? {});
  const text = <K extends MessageKey>(key: K, ...values: Arguments<K>) => say(values[0] ? { key, values: values[0] } : { key });
  const word = (prefix: string, name: string) => {
    const key = `${prefix}.${name}`;
    return key in catalogue ? catalogue[key as MessageKey][lang] : name;
  };
  return Object.assign(text, { say, word });
}

/** The texts in the chosen language; the component is drawn again when it changes. */
export function useText(): Text {
  const lang = useStore(language);
  return useMemo(() => textIn(lang), [lang]);
}
