import FormField from '@cloudscape-design/components/form-field';
import Multiselect from '@cloudscape-design/components/multiselect';
import { useState, type ReactNode } from 'react';
import { severities, type Whose } from '../alerts/alerts';
import { useStale } from '../api/stale';
import type { Contact } from '../api/types';
import { language } from '../i18n/language';
import { languages } from '../i18n/messages';
import { useText } from '../i18n/text';
import { languageNames } from '../shell/languageNames';
import { Label, TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { checkContact, contactOf, contacts, contactUpdate, contactValues, contactWays, kindsOf, noContact, staleWithContacts } from './contacts';

/** Makes a contact, or changes what one is told; its address stays what was verified. */
export function ContactDialog({ whose, contact, close, made }: { whose: Whose; contact: Contact | null; close: () => void; made: (contact: Contact) => void }): ReactNode {
  const t = useText();
  const stale = useStale();
  const [first] = useState(() => (contact === null ? noContact(language.get()) : contactValues(contact)));
  const form = useForm({
    initial: first, check: checkContact, send: (v) => (contact === null ? contacts[whose].create(contactOf(v)) : contacts[whose].update(contact.id, contactUpdate(v, first))),
    done: (now) => {
      notify({ type: 'success', saying: { key: contact === null ? 'ui.created.notice' : 'contact.changed', values: { name: now.name } } });
      stale(staleWithContacts);
      close();
      if (contact === null) made(now);
    },
  });
  // One that somebody chose before is shown, known here or not.
  const options = [...new Set([...kindsOf[whose], ...first.kinds])].map((value) => ({ value, label: t.word('alert.kind', value) }));
  return (
    <FormDialog title={contact === null ? t('contact.create') : t('contact.changeTitle', { name: contact.name })} action={t(contact === null ? 'ui.create' : 'ui.save')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="contact-name" />
      {contact === null && <SelectField form={form} field="kind" label={t('contact.kind')} options={contactWays.map((value) => ({ value, label: t(`contact.kind.${value}`) }))} testId="contact-kind" />}
      {contact === null && form.values.kind === 'email' && <TextField form={form} field="address" label={t('contact.address')} constraintText={t('contact.addressHint')} inputMode="email" testId="contact-address" />}
      {contact === null && form.values.kind === 'webhook' && <TextField form={form} field="address" label={t('contact.url')} constraintText={t('contact.urlHint')} inputMode="url" testId="contact-address" />}
      <SelectField form={form} field="minimumSeverity" label={t('contact.minimum')} options={severities.map((value) => ({ value, label: t(`alert.severity.${value}`) }))} testId="contact-severity" />
      <FormField label={<Label text={t('contact.kinds')} optional />} description={t('contact.kindsHint')} errorText={form.errorOf('kinds')}>
        <Multiselect options={options} selectedOptions={options.filter((o) => form.values.kinds.includes(o.value))} placeholder={t('contact.allKinds')} expandToViewport onChange={(e) => form.set('kinds', e.detail.selectedOptions.flatMap((o) => o.value ?? []))} data-testid="contact-kinds" />
      </FormField>
      <SelectField form={form} field="language" label={t('contact.language')} options={languages.map((value) => ({ value, label: languageNames[value] }))} testId="contact-language" />
      <TextField form={form} field="intervalMinutes" label={t('contact.interval')} inputMode="numeric" testId="contact-interval" />
    </FormDialog>
  );
}
