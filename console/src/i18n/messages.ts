/** A text in every language of the console. Leaving one out is a compile error. */
export interface Message {
  readonly en: string;
  readonly ja: string;
}

export type Messages = Readonly<Record<string, Message>>;

export const languages = ['en', 'ja'] as const;
export type Language = (typeof languages)[number];

/** The names in braces of a text: `'{count} of {total}'` has `count` and `total`. */
export type Placeholders<S extends string> = S extends `${string}{${infer P}}${infer Rest}` ? P | Placeholders<Rest> : never;

export type Values = Readonly<Record<string, string | number>>;

/** Fills the names in braces. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}
