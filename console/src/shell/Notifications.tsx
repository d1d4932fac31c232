import Flashbar from '@cloudscape-design/components/flashbar';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text';
import { dismiss, notices } from '../ui/notices';
import { ProblemBody } from '../ui/ProblemAlert';
import { RouteLink } from '../ui/RouteLink';
import { useStore } from '../ui/store';

export function Notifications(): ReactNode {
  const t = useText();
  const shown = useStore(notices);
  return (
    <Flashbar
      items={shown.map((n) => ({
        id: String(n.id), type: n.type, dismissible: true, dismissLabel: t('ui.close'), onDismiss: () => dismiss(n.id), header: n.failures ? t.say(n.saying) : undefined,
        content: (
          <>
            {n.failures ? n.failures.map((f, i) => <div key={i}>{f.message !== '' && <b>{f.message} </b>}<ProblemBody failure={f} /></div>) : t.say(n.saying)}
            {n.link && <> <RouteLink to={n.link.to} color="inverted">{n.link.text}</RouteLink></>}
          </>
        ),
      }))}
    />
  );
}
