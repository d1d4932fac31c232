// Images in the console: made of an instance, a volume and a snapshot, given up, described, shared, downloaded, deprecated, and fetched by hosts beforehand. In English and Japanese.
//   node images.mjs URL PICTURES-DIRECTORY   (password of admin in KUMOI_ADMIN_PASSWORD, of acme-admin, acme-reader and beta-admin in KUMOI_DEMO_PASSWORD)
// web-1 runs with the volumes notes and big, of 3 GiB; there is a public image tiny. What is asked is done, except that images of big get no bytes, and hosts fetch 40 % of what they are to keep.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storage } from './storage.mjs';

const { page, at, row, invalid, picture, choose, step, speak, faults, refused, inert, complain, close, heading, user, operator, submit, confirm, calm, named, fact, gone, same, disabled, goTo, call } = await storage();
const hostile = '<img src=x onerror=alert(1)>';
const tick = (id) => at(id).getByRole('checkbox').click({ force: true });

try {
  await step('an image is made of an instance', async () => {
    await user('acme-admin');
    await goTo('nav-instances', 'web-1');
    await at('instance-image').click();
    await submit();
    await invalid('image-name').waitFor();
    await at('image-name').fill('gold');
    await at('image-description').fill(hostile);
    await picture('console-image-make');
    await submit();
    await heading('gold').waitFor();
    await fact('Available');
    await fact(hostile);
    await inert();
  });
  await step('one of a volume is seen to wait for its bytes, and given up', async () => {
    await goTo('nav-volumes', 'big');
    await at('volume-image').click();
    await at('image-name').fill('slow');
    await submit();
    await heading('slow').waitFor();
    await at('image-progress').getByText('Waiting for its bytes').first().waitFor();
    same(await disabled('image-download', 'image-launch'), [true, true], 'that it is used before it is there');
    await picture('console-image-making');
    await at('image-delete').click();
    await page.getByText('Its bytes are still to come.').waitFor();
    await confirm();
    await named('gold').waitFor();
    await gone(named('slow'));
  });
  await step('and one of a snapshot', async () => {
    await call('POST', '/volumes/notes/snapshots', { name: 'monday' });
    await call('GET', '/snapshots/monday?wait=available&timeout=30');
    await goTo('nav-snapshots', 'monday');
    await at('snapshot-image').click();
    await page.getByText('It has what the snapshot has').waitFor();
    await at('image-name').fill('gold-monday');
    await submit();
    await heading('gold-monday').waitFor();
    await fact('Available');
  });
  await step('it is described and shared, refused field by field', async () => {
    await goTo('nav-images', 'gold');
    await at('image-edit').click();
    await at('image-description').fill('as it was on Monday');
    await at('image-os').fill('debian');
    await at('image-min-memory').fill('much');
    await submit();
    await invalid('image-min-memory').waitFor();
    await at('image-min-memory').fill('64');
    await at('image-accounts').fill('beta\nnobody-of-that-name');
    await submit();
    await invalid('image-accounts').waitFor();
    refused();
    await picture('console-image-edit');
    await at('image-accounts').fill('beta');
    await submit();
    await fact('beta');
    await fact('memory 64 MiB');
    await fact('as it was on Monday');
  });
  await step('its bytes are downloaded, all of them', async () => {
    const [file] = await Promise.all([page.waitForEvent('download'), at('image-download').click()]);
    same(file.suggestedFilename(), 'gold.qcow2', 'the name of the file');
    same(createHash('sha256').update(await readFile(await file.path())).digest('hex'), (await call('GET', '/images/gold')).sha256, 'what is in the file');
    await calm('console-image', () => fact('memory 64 MiB'));
  });
  await step('a file is sent in parts, and goes on where the connection broke', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kumoi-image-'));
    const bytes = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(69 << 20)]);
    // The boot sector of a raw disk.
    bytes.writeUInt16BE(0x55aa, 510);
    await writeFile(join(directory, 'sent.img'), bytes);
    const parts = [];
    await page.route('**/content', async (route) => {
      parts.push(route.request().headers()['content-range']);
      await (parts.length === 2 ? route.abort('connectionreset') : route.continue());
    });
    await at('nav-images').click();
    await at('create-image').first().click();
    await page.getByText('Upload a file', { exact: true }).click();
    await submit();
    await page.getByText('Choose one').first().waitFor();
    await at('image-name').fill('sent');
    await at('image-file').locator('input[type=file]').setInputFiles(join(directory, 'sent.img'));
    await submit();
    await named('sent').getByText('Available').first().waitFor();
    await page.unroute('**/content');
    await rm(directory, { recursive: true });
    const [mib, all] = [32 << 20, bytes.length];
    const part = (from) => `bytes ${from}-${Math.min(from + mib, all) - 1}/${all}`;
    same(parts, [part(0), part(mib), part(mib), part(2 * mib)], 'the parts that were sent');
    same((await call('GET', '/images/sent')).sha256, createHash('sha256').update(bytes).digest('hex'), 'what came');
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('ERR_CONNECTION_RESET')));
    await goTo('nav-images', 'gold');
  });
  await step('one that is deprecated is left out, and still there', async () => {
    await at('image-edit').click();
    await tick('image-deprecated');
    await submit();
    await page.getByText('Deprecated since').waitFor();
    await at('nav-images').click();
    await named('gold-monday').waitFor();
    await gone(named('gold'));
    await tick('images-deprecated');
    await named('gold').getByText('Deprecated', { exact: true }).waitFor();
    await picture('console-images-deprecated');
    await named('gold').getByRole('link', { name: 'gold', exact: true }).click();
    await at('image-edit').click();
    await tick('image-deprecated');
    await submit();
    await gone(page.getByText('Deprecated since'));
  });
  await step('whom it is shared with finds it, and cannot change it', async () => {
    await user('beta-admin');
    await at('nav-images').click();
    await named('tiny').waitFor();
    await choose('images-visibility', 'Shared by other accounts');
    await named('gold').getByRole('link', { name: 'gold', exact: true }).click();
    await heading('gold').waitFor();
    same(await disabled('image-edit', 'image-delete'), [true, true], 'buttons that are disabled');
    await at('image-launch').click();
    await at('launch-image').getByText('Shared by acme').waitFor();
    await picture('console-launch-shared');
  });
  await step('operators have hosts fetch one beforehand, and see how far they are', async () => {
    await operator();
    await goTo('nav-images', 'tiny');
    await page.getByText('No host has it, or is to have it').waitFor();
    await at('image-prefetch').click();
    await at('image-where').getByText('One host').click();
    await submit();
    await page.getByText('Choose one', { exact: true }).waitFor();
    await choose('image-host', 'host-1');
    await picture('console-image-prefetch');
    await submit();
    await row('host-1').locator('[data-testid="image-on-host"][data-state="fetching"]').getByText('Fetching (40 %)').waitFor();
    await row('host-1').getByText('until it is released').waitFor();
    await picture('console-image-hosts');
    await at('image-release').click();
    await at('image-where').getByText('One host').click();
    await choose('image-host', 'host-1');
    await submit();
    await gone(page.getByText('until it is released'));
  });
  await step('a reader looks, and changes nothing', async () => {
    await user('acme-reader');
    await goTo('nav-images', 'gold');
    same(await disabled('image-edit', 'image-delete', 'image-launch', 'image-download'), [true, true, true, false], 'buttons that are disabled');
  });
  await step('the same in Japanese', async () => {
    await user('acme-admin');
    await speak('日本語');
    await goTo('nav-images', 'gold');
    await page.getByText('利用可能').first().waitFor();
    await picture('console-image-ja');
    await at('image-edit').click();
    await picture('console-image-edit-ja');
    await page.getByRole('button', { name: 'キャンセル' }).click();
    await goTo('nav-instances', 'web-1');
    await at('instance-image').click();
    await picture('console-image-make-ja');
    await page.getByRole('button', { name: 'キャンセル' }).click();
    await operator();
    await goTo('nav-images', 'tiny');
    await page.getByText('ホスト上の状態').first().waitFor();
    await picture('console-image-hosts-ja');
  });
  faults.splice(0, faults.length, ...faults.filter((fault) => !/status of 404/.test(fault)));
  complain();
} finally {
  await close();
}
