// Snapshots in the console: taken of a volume and of an instance, described, used for a new volume and to put one back, and deleted. In English and Japanese.
//   node snapshots.mjs URL PICTURES-DIRECTORY   (password of acme-admin and acme-reader in KUMOI_DEMO_PASSWORD)
// web-1 runs with the volumes root, from which it starts, and data. What is asked is done, except that volumes of 3 GiB are being filled from their snapshot, 40 % of it, and stay so.
import { open } from './driver.mjs';

const [url, pictures] = process.argv.slice(2);
const { KUMOI_DEMO_PASSWORD: password } = process.env;
if (!url || !pictures || !password) throw new Error('usage: KUMOI_DEMO_PASSWORD=… node snapshots.mjs URL DIRECTORY');

const { page, at, row, invalid, picture, choose, logIn, step, speak, faults, refused, inert, complain, close } = await open(url, pictures, { width: 1440, height: 900 });
const hostile = '<img src=x onerror=alert(1)>';
const heading = (name) => page.getByRole('heading', { name, exact: true });
const submit = () => at('form-submit').click();
const cancel = (word = 'Cancel') => page.getByRole('button', { name: word }).click();
const select = (text) => row(text).getByRole('checkbox').click({ force: true });
const named = (name) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
const taken = (name) => named(name).locator('[data-testid="snapshot-state"][data-state="available"]').waitFor();
const volumeIs = (state) => page.locator(`[data-testid="volume-state"][data-state="${state}"]`).first().waitFor();
const goTo = async (nav, name) => {
  await at(nav).click();
  await page.getByRole('link', { name, exact: true }).first().click();
  await heading(name).waitFor();
};
const token = () => page.evaluate(() => Object.values(sessionStorage).map(String).join(' ').match(/kumoi_[A-Za-z0-9_-]+/)?.[0]);
const call = async (method, path, body) => {
  const answer = await fetch(`${url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
};
const same = (seen, wanted, what) => {
  if (JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`);
};

try {
  await step('take a snapshot of a volume, refused without a name', async () => {
    await logIn('acme-admin', password);
    await goTo('nav-volumes', 'data');
    await page.getByText('No snapshots').waitFor();
    await at('snapshot-take').click();
    await submit();
    await invalid('snapshot-name').waitFor();
    await at('snapshot-name').fill('monday');
    await at('snapshot-description').fill(hostile);
    await picture('console-snapshot-take');
    await submit();
    await taken('monday');
    await named('monday').getByText('Crash-consistent').waitFor();
    await at('snapshot-take').click();
    await at('snapshot-name').fill('monday');
    await submit();
    // Only the server knows the other names.
    await invalid('snapshot-name').waitFor();
    refused();
    await cancel();
    await inert();
  });
  await step('take one of each volume of an instance', async () => {
    await goTo('nav-instances', 'web-1');
    await at('tab-volumes').click();
    await at('volumes-snapshots').click();
    await at('snapshot-name').fill('night');
    await picture('console-snapshot-take-all');
    await submit();
    await at('nav-snapshots').click();
    await taken('night');
    await taken('night-data');
    await choose('snapshots-state', 'Available');
    await page.getByPlaceholder(/name/i).first().fill('night');
    await named('monday').waitFor({ state: 'detached' });
    await taken('night-data');
    await picture('console-snapshots');
    await page.getByPlaceholder(/name/i).first().fill('');
  });
  await step('a snapshot is told and described', async () => {
    await goTo('nav-snapshots', 'monday');
    await page.getByText('taken alone').waitFor();
    await at('snapshot-edit').click();
    await at('snapshot-description').fill('before the upgrade');
    await submit();
    await page.getByText('before the upgrade', { exact: true }).first().waitFor();
    await row('snapshot.taken').waitFor();
    await picture('console-snapshot');
  });
  await step('a volume begins with it, and how far that is is seen', async () => {
    await at('snapshot-volume').click();
    await at('volume-name').fill('copy');
    await at('volume-size').fill('1');
    await submit();
    await invalid('volume-size').waitFor();
    await at('volume-size').fill('3');
    await picture('console-snapshot-volume');
    await submit();
    await heading('copy').waitFor();
    await page.locator('[data-testid="volume-work"][data-kind="copy"][data-percent="40"]').waitFor();
    await page.getByText('Copying from a snapshot').first().waitFor();
    await page.getByText(/of 1 GiB, done/).first().waitFor();
    await volumeIs('creating');
    same(await at('snapshot-take').isDisabled(), true, 'that of what is not there yet no snapshot is taken');
    await picture('console-volume-work');
  });
  await step('what something is filled from is not deleted', async () => {
    await goTo('nav-snapshots', 'monday');
    await at('snapshot-delete').click();
    await at('confirm-submit').click();
    await at('problem').getByText('copy').first().waitFor();
    refused();
    await cancel();
  });
  await step('a volume is put back once its guest is stopped', async () => {
    await at('snapshot-restore').click();
    same(await at('confirm-submit').isDisabled(), true, 'that it is asked for by name');
    await at('confirm-text').fill('data');
    await picture('console-snapshot-restore');
    await at('confirm-submit').click();
    await at('problem').getByText('The volume data is attached to web-1, which is not stopped.').waitFor();
    refused();
    await cancel();
    await call('POST', '/instances/web-1/stop', {});
    await call('GET', '/instances/web-1?wait=stopped&timeout=30');
    await at('snapshot-restore').click();
    await at('confirm-text').fill('data');
    await at('confirm-submit').click();
    await page.getByText('Putting data back').first().waitFor();
    await goTo('nav-volumes', 'data');
    await at('tab-events').click();
    await page.getByText('volume.restored', { exact: true }).first().waitFor();
    await volumeIs('in-use');
  });
  await step('a deleted volume is kept for its snapshots, out of sight', async () => {
    await at('volume-detach').click();
    await at('confirm-submit').click();
    await volumeIs('available');
    await at('volume-delete').click();
    await page.getByText('Its snapshots stay').waitFor();
    await at('confirm-submit').click();
    await named('root').waitFor();
    await named('data').waitFor({ state: 'detached' });
    await choose('volumes-state', 'Deleted, kept');
    await named('data').waitFor();
    await picture('console-volume-retained');
    await at('nav-snapshots').click();
    await select('night-data');
    await at('snapshot-delete').click();
    await at('confirm-submit').click();
    await named('night-data').waitFor({ state: 'detached' });
    await named('monday').getByText('data', { exact: true }).waitFor();
  });
  await step('a reader looks, and changes nothing', async () => {
    await logIn('acme-reader', password);
    await goTo('nav-snapshots', 'night');
    same(await Promise.all(['edit', 'delete', 'restore', 'volume'].map((what) => at(`snapshot-${what}`).isDisabled())), [true, true, true, true], 'buttons that are disabled');
  });
  await step('the same in Japanese', async () => {
    await logIn('acme-admin', password);
    await speak('日本語');
    await at('nav-snapshots').click();
    await named('night').getByText('利用可能').waitFor();
    await picture('console-snapshots-ja');
    await goTo('nav-volumes', 'copy');
    await page.getByText('スナップショットからコピー中').first().waitFor();
    await picture('console-volume-work-ja');
    await goTo('nav-snapshots', 'night');
    await page.getByText('クラッシュ整合').first().waitFor();
    await picture('console-snapshot-ja');
  });
  faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 404/.test(fault)));
  complain();
} finally {
  await close();
}
