import Button from '@cloudscape-design/components/button';
import FileUpload from '@cloudscape-design/components/file-upload';
import FormField from '@cloudscape-design/components/form-field';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import Tiles from '@cloudscape-design/components/tiles';
import { useRef, useState, type ReactNode } from 'react';
import { useText } from '../i18n/text';
import { useMay } from '../session/permissions';
import { TextField } from '../ui/fields';
import { FormDialog } from '../ui/FormDialog';
import { notify } from '../ui/notices';
import { name, sha256, url, violations } from '../ui/rules';
import { SelectField } from '../ui/SelectField';
import { useForm } from '../ui/useForm';
import { upload } from './bytes';
import { images } from './images';
import { MachineFields } from './MachineFields';
import { VisibilityField } from './VisibilityField';

const blank = { source: 'url', name: '', url: '', format: '', firmware: 'bios', deviceModel: 'virtio', visibility: 'private', defaultUser: '', sha256: '', files: [] as File[] };

export function CreateImageDialog({ close, created }: { close: () => void; created: () => void }): ReactNode {
  const t = useText();
  const may = useMay();
  // Registered but not filled: a second attempt goes on with the bytes of the same file instead of registering twice.
  const registered = useRef<{ as: string; id: string; file?: File } | null>(null);
  const [sent, setSent] = useState<{ bytes: number; of: File } | null>(null);
  const cancel = useRef(new AbortController());
  const form = useForm({
    initial: blank,
    check: (v) => violations(
      ['name', name(v.name)], ['url', v.source === 'url' ? url(v.url) : null], ['files', v.source === 'file' && v.files.length === 0 ? { key: 'rule.choose' } : null],
      ['sha256', v.sha256 === '' ? null : sha256(v.sha256)]),
    send: async (v) => {
      const given = (text: string) => (text === '' ? null : text);
      const [file] = v.source === 'file' ? v.files : [];
      const request = {
        name: v.name, format: given(v.format), firmware: v.firmware, deviceModel: v.deviceModel, url: v.source === 'url' ? v.url : null, sha256: given(v.sha256.toLowerCase()), visibility: v.visibility,
        defaultUser: given(v.defaultUser),
      };
      const as = JSON.stringify(request);
      if (registered.current?.as !== as) registered.current = { as, id: (await images.create(request)).id };
      created();
      if (file === undefined) return;
      cancel.current = new AbortController();
      setSent({ bytes: 0, of: file });
      try {
        const goOn = registered.current.file === file;
        registered.current.file = file;
        await upload(registered.current.id, file, goOn, (bytes) => setSent({ bytes, of: file }), cancel.current.signal);
      } finally {
        setSent(null);
      }
    },
    done: () => {
      notify({ type: 'success', saying: { key: 'ui.created.notice', values: { name: form.values.name } } });
      created();
      close();
    },
  });
  const leave = () => {
    cancel.current.abort();
    close();
  };
  const v = form.values;
  return (
    <FormDialog title={t('image.create')} action={t('ui.create')} form={form} close={leave} wide>
      {sent !== null && (
        <ProgressBar
          label={t('image.uploading', { name: sent.of.name })} value={(100 * sent.bytes) / Math.max(1, sent.of.size)}
          additionalInfo={<Button variant="inline-link" formAction="none" onClick={() => cancel.current.abort()}>{t('image.cancelUpload')}</Button>}
        />
      )}
      {sent === null && form.failure !== null && registered.current !== null && v.source === 'file' && <div>{t('image.uploadRetry')}</div>}
      <TextField form={form} field="name" label={t('ui.name')} autoFocus testId="image-name" />
      <FormField label={t('image.source')} stretch>
        <Tiles
          columns={2} value={v.source} onChange={(e) => form.set('source', e.detail.value)}
          items={[
            { value: 'url', label: t('image.source.url'), description: t('image.source.urlHint') },
            { value: 'file', label: t('image.source.file'), description: t('image.source.fileHint') },
          ]}
        />
      </FormField>
      {v.source === 'url'
        ? <TextField form={form} field="url" type="url" label={t('image.url')} placeholder="https://" stretch />
        : (
          <FormField label={t('image.file')} errorText={form.errorOf('files') ?? form.errorOf('content')} stretch>
            <FileUpload
              data-testid="image-file"
              value={v.files} showFileSize showFileLastModified accept=".qcow2,.img,.raw,.iso" i18nStrings={{ uploadButtonText: () => t('image.fileChoose'), removeFileAriaLabel: () => t('ui.delete') }}
              onChange={(e) => form.set('files', e.detail.value)}
            />
          </FormField>
        )}
      <SelectField form={form} field="format" label={t('image.format')} options={[{ value: '', label: t('image.formatFound') }, ...['qcow2', 'raw', 'iso'].map((value) => ({ value, label: value }))]} testId="image-format" />
      <MachineFields form={form} />
      <TextField form={form} field="defaultUser" label={t('image.defaultUser')} description={t('image.defaultUserHint')} optional />
      {may('images:publish', 'cloud') && <VisibilityField form={form} />}
      <TextField form={form} field="sha256" label={t('image.sha256')} description={t('image.sha256Hint')} optional stretch />
    </FormDialog>
  );
}
