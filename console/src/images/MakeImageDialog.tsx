import { useRef, type ReactNode } from 'react';
import { useNavigate } from 'react-router';
import { useStale } from '../api/stale';
import type { Ref } from '../api/types';
import { useText } from '../i18n/text';
import { idempotencyKeys, newKey } from '../instances/launch/launch';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { name, violations } from '../ui/rules';
import { useForm } from '../ui/useForm';
import { checkText, descriptionMax, images } from './images';
import { VisibilityField } from './VisibilityField';

/** What an image is made of. */
export type Source = { fromInstance: Ref } | { fromVolume: Ref } | { fromSnapshot: Ref };

/** Makes an image of what is on a volume, and goes to it: there is seen how far it is. */
export function MakeImageDialog({ of, close }: { of: Source; close: () => void }): ReactNode {
  const t = useText();
  const may = useMay();
  const stale = useStale();
  const navigate = useNavigate();
  const keys = useRef(idempotencyKeys(newKey));
  const [[field, source]] = Object.entries(of) as [[keyof Source, Ref]];
  const form = useForm({
    initial: { name: '', description: '', visibility: 'private' }, check: (v) => violations(['name', name(v.name)], ['description', checkText(v.description, descriptionMax)]),
    send: (v) => {
      const request = { name: v.name, description: v.description === '' ? null : v.description, visibility: v.visibility, [field]: source.id };
      return images.create(request, keys.current.for(request));
    },
    done: (made) => {
      stale([images.key, 'summary', 'volumes', 'pools']);
      close();
      void navigate(`/images/${made.id}`);
    },
  });
  return (
    <FormDialog title={t('image.makeTitle', { name: source.name })} action={t('image.make')} form={form} close={close}>
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="image-name" />
      <TextField form={form} field="description" label={t('ui.description')} optional stretch testId="image-description" />
      {may('images:publish', 'cloud') && <VisibilityField form={form} />}
      <div>{'fromSnapshot' in of ? t('image.makeAboutSnapshot') : t('image.makeAbout')} {t('image.makeRoom')}</div>
      <div>{t('image.makeClean')}</div>
    </FormDialog>
  );
}
