import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { ProblemAlert } from './ProblemAlert';
import type { Form } from './useForm';

interface Props {
  title: string;
  action: string;
  form: Pick<Form<unknown>, 'busy' | 'failure' | 'submit'>;
  close: () => void;
  children: ReactNode;
  wide?: boolean;
}

/** A form in a dialog. Enter submits; a failure is said above the fields, which keep what was typed. */
export function FormDialog({ title, action, form, close, children, wide }: Props): ReactNode {
  const t = useText();
  return (
    <Modal
      visible header={title} onDismiss={({ detail }) => { if (detail.reason !== 'overlay') close(); }} closeAriaLabel={t('ui.close')}
      size={wide ? 'large' : 'medium'}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={close}>{t('ui.cancel')}</Button>
            <Button variant="primary" loading={form.busy} onClick={form.submit} data-testid="form-submit">{action}</Button>
          </SpaceBetween>
        </Box>
      }
    >
      {/* React passes events on to a form that the dialog was opened from; this one ends here. */}
      <form onSubmit={(e) => { e.preventDefault(); e.stopPropagation(); form.submit(); }}>
        <SpaceBetween size="m">
          <ProblemAlert failure={form.failure} />
          {children}
        </SpaceBetween>
        <input type="submit" hidden />
      </form>
    </Modal>
  );
}
