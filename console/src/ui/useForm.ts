import { useRef, useState } from 'react';
import { fieldName, ProblemError } from '../api/problem';
import type { FieldError } from '../api/types';
import { useText } from '../i18n/text';
import type { Violation } from './rules';

export interface Form<V> {
  readonly values: V;
  set<K extends keyof V & string>(field: K, value: V[K]): void;
  /** What is wrong with a field, in words; from the rules here or from the server's answer. */
  errorOf(field: string): string | undefined;
  submit(): void;
  readonly busy: boolean;
  /** The server's answer of failure, or what kept the request from being sent. */
  readonly failure: Error | null;
}

interface Options<V, R> {
  initial: V;
  check: (values: V) => Violation[];
  send: (values: V) => Promise<R>;
  done: (result: R) => void;
  /** The field of the form that an error of the server belongs to, where the request has another shape. */
  place?: (path: string, values: V) => string;
}

/**
 * A form: its values survive every error. Rules are checked from the first attempt to submit on; the server's own field errors
 * stand at their fields until those change.
 */
export function useForm<V extends object, R>({ initial, check, send, done, place = (path) => path }: Options<V, R>): Form<V> {
  const t = useText();
  const [values, setValues] = useState(initial);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error | null>(null);
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set());
  const sending = useRef(false);
  const broken = tried ? check(values) : [];
  const told = failure instanceof ProblemError ? toldOf(failure) : [];

  const submit = async () => {
    // State is not there yet for the second click of a double click; the ref is.
    if (sending.current) return;
    setTried(true);
    if (check(values).length > 0) return focusFirstError();
    sending.current = true;
    setBusy(true);
    setFailure(null);
    setChanged(new Set());
    try {
      done(await send(values));
    } catch (error) {
      setFailure(error as Error);
      focusFirstError();
    } finally {
      sending.current = false;
      setBusy(false);
    }
  };

  return {
    values, busy, failure,
    set: (field, value) => {
      setValues((before) => ({ ...before, [field]: value }));
      setChanged((before) => new Set(before).add(field));
    },
    errorOf: (field) => {
      const own = broken.find((v) => v.field === field);
      if (own) return t.say(own);
      if ([...changed].some((c) => field === c || field.startsWith(`${c}[`))) return undefined;
      return told.find(({ field: path }) => isAt(place(fieldName(path), values), field))?.message;
    },
    submit: () => void submit(),
  };
}

/** What an answer says of fields. That a name is taken is said of the request as a whole, and is wrong with the name. */
function toldOf({ problem: { code, title, errors } }: ProblemError): readonly FieldError[] {
  return errors ?? (code === 'name-taken' ? [{ field: 'name', rule: code, message: title }] : []);
}

/** True if an error's path is the field or lies in it: `subnets[0].cidr` is at `cidr` of a form that makes one subnet. */
function isAt(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`) || path.endsWith(`.${field}`);
}

function focusFirstError(): void {
  // A field that opens suggestions when it is focused would hide its error behind them.
  window.setTimeout(() => {
    const field = document.querySelector<HTMLElement>('[aria-invalid="true"]:not([aria-autocomplete])');
    // In the middle, so that what is said below it is seen, too.
    field?.scrollIntoView({ block: 'center' });
    field?.focus({ preventScroll: true });
  }, 50);
}
