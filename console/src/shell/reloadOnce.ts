/** A reload that did not help is not repeated before this has passed. */
const againMs = 30_000;
const remembered = 'kumoi.reloaded';

// A part of the console could not be fetched: the server was upgraded and has other parts now, or the network failed for a
// moment. Either way a fresh page is the cure; the address tells it where to go on.
window.addEventListener('vite:preloadError', () => {
  const last = Number(sessionStorage.getItem(remembered) ?? 0);
  if (Date.now() - last < againMs) return;
  sessionStorage.setItem(remembered, String(Date.now()));
  window.location.reload();
});
