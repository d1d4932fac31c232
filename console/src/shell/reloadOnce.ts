import { createPath } from 'react-router';
import { router } from '../routes';

/** A reload that did not help is not repeated before this has passed. */
const againMs = 30_000;
const remembered = 'kumoi.reloaded';

// A part of the console could not be fetched: the server was upgraded and has other parts now, or the network failed for a
// moment. Either way a fresh page is the cure. Who was on the way to another page arrives there: its address is not shown before its part is there.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem(remembered) ?? 0);
  if (Date.now() - last < againMs) return;
  sessionStorage.setItem(remembered, String(Date.now()));
  const to = router.state.navigation.location;
  if (to === undefined) window.location.reload();
  else window.location.assign(createPath(to));
});
